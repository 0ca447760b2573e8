"""What needs attention in the settings. The findings about accounts are made in the report."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE, global_settings, settings

from ..exemptions import (
    CHECK_EVERY_REQUEST,
    GROUPS,
    OUR_SETTINGS,
    PREFIX,
    PROTECTION,
    SQUELCH,
    USERNAMES,
    get_written_names,
    is_every_request_checked,
    is_flag_on,
    is_protection_on,
)
from ..settings import SITE_ENGINE
from .characters import find_odd_characters
from .finding import Finding
from .in_force import find_missing_parts, find_obstacles, is_anything_set

# The length of the username column and of the group name column.
MAX_LENGTH = 150
# An entry that a template engine or a shell should have replaced, or a word that they write for a missing value.
PLACEHOLDER = re.compile(
    r".*(\{\{|\{%|\$[a-z_{(]).*|\{[^{}]*\}|<[^<>]*>|none|null|nil|undefined", re.IGNORECASE | re.DOTALL
)
WILDCARDS = frozenset("*?%[]^$|")
EXACT = "Names are compared exactly, character by character."
CORRECT = f"Correct it or remove it. {EXACT}"


def settings_module() -> str:
    """Return the name of the settings module, or an empty string if the settings come from no module."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "")


def settings_file() -> str | None:
    """Return the path of the settings file, which is in CONFIG_FILE on the platform, and in LMS_CFG here."""
    return getattr(settings, "CONFIG_FILE", None) or getattr(settings, "LMS_CFG", None)


def find_settings_findings() -> list[Finding]:
    """Return the findings in the settings. Nothing is found on a site that has set nothing of this app."""
    findings = [*_find_unknown(), *_find_misplaced()]
    if is_anything_set():
        entries = (finding for setting in (USERNAMES, GROUPS) for finding in _find_in_entries(setting))
        findings += [*entries, *_find_in_flags(), *_find_in_studio(), *find_obstacles(), *find_missing_parts()]
    return findings


def _find_in_entries(setting: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for position, name in enumerate(get_written_names()[setting], start=1):
        odd = find_odd_characters(name)
        is_placeholder = PLACEHOLDER.fullmatch(name.strip())
        problems = {
            "starts or ends with white space": name != name.strip(),
            "is a template that was not filled in, or a word for a missing value": is_placeholder,
            "has a wildcard character, but there are no patterns": not is_placeholder and WILDCARDS & set(name),
            "has a comma, but each entry is one name": "," in name,
            f"is {len(name)} characters long, but a name has at most {MAX_LENGTH}": len(name) > MAX_LENGTH,
            "is there twice": name in seen,
            "has a character that cannot be seen or looks like another": odd,
        }
        seen.add(name)
        for problem in (problem for problem, is_so in problems.items() if is_so):
            message = f"{setting}: entry {position}, {name!r}, {problem}."
            hint = " ".join([*odd, CORRECT])
            yield Finding("single_login.W001", message, hint, setting, name)


def _find_unknown() -> Iterator[Finding]:
    """Find names that begin as ours do, in any case, and are not ours."""
    # A lower-case key of the operator's file becomes a variable of the settings module, but not a setting.
    module = sys.modules.get(settings_module())
    for name in sorted({*(vars(module) if module else ()), *dir(settings)}):
        if name.upper().startswith(PREFIX) and name not in (*OUR_SETTINGS, SITE_ENGINE):
            known = name.upper() if name.upper() in OUR_SETTINGS else f"one of {', '.join(OUR_SETTINGS)}"
            hint = f"Write {known}, in upper case and at the top level, or remove it."
            yield Finding("single_login.W002", f"{name} has no effect: this app has no such setting.", hint, name)


def _find_misplaced() -> Iterator[Finding]:
    """Find settings of this app inside another setting, where nothing reads them."""
    read = {**get_written_names(), CHECK_EVERY_REQUEST: is_every_request_checked()}
    # Django warns if some of its own settings are only read.
    others = {name for name in dir(settings) if name.isupper() and not hasattr(global_settings, name)}
    for outer in sorted(others):
        inside = getattr(settings, outer)
        for name in OUR_SETTINGS if isinstance(inside, Mapping) else ():
            # Some platforms show all settings in FEATURES, or keep a copy of the whole file in a setting.
            if _comparable(inside.get(name)) not in (None, _comparable(read[name])):
                message = f"{outer}: {name} has no effect: it is inside another setting."
                hint = f"Write {name} at the top level, if that is what was meant."
                yield Finding("single_login.W002", message, hint, f"{outer}: {name}")


def _comparable(value: Any) -> Any:
    """Return ``value`` such that a list, a tuple and a set of the same names are equal."""
    return sorted(map(repr, value)) if isinstance(value, list | tuple | set | frozenset) else value


def _find_in_flags() -> Iterator[Finding]:
    """Find flags of the platform that are not clear. The app does not refuse them: they are not its settings."""
    features = getattr(settings, "FEATURES", None) or {}
    for flag in (PROTECTION, SQUELCH):
        values = {f"FEATURES: {flag}": features[flag]} if flag in features else {}
        if hasattr(settings, flag):
            values[flag] = getattr(settings, flag)
        if not all(isinstance(value, bool) for value in values.values()) or len(set(values.values())) > 1:
            written = " and ".join(f"{place} is {value!r}" for place, value in values.items())
            message = f"{written}. The platform reads this as {'true' if is_flag_on(flag) else 'false'}."
            hint = "Write true or false. If both places have it, write the same in both."
            yield Finding("single_login.W009", message, hint, flag)


def _find_in_studio() -> Iterator[Finding]:
    is_studio = "cms" in (settings.ROOT_URLCONF.partition(".")[0], getattr(settings, "SERVICE_VARIANT", None))
    if is_studio and is_protection_on():
        message = f"{PROTECTION} is on in Studio: a login to Studio evicts the account's session in the LMS."
        yield Finding("single_login.W003", message, "Turn it off in Studio, and leave it on in the LMS.", PROTECTION)
