"""What needs an operator's attention. The settings' findings are made here, the accounts' findings in the report."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE, global_settings, settings
from django.core.checks import CheckMessage, Warning  # noqa: A004

from ..exemptions import (
    CHECK_EVERY_REQUEST,
    GROUPS,
    OURS,
    PREFIX,
    PROTECTION,
    SQUELCH,
    USERNAMES,
    get_written_names,
    is_anybody_exempt,
    is_every_request_checked,
    is_flag_on,
    is_protection_on,
)
from ..guard import SIGNALS, find_guarded_signals
from ..settings import (
    JWT_COOKIE_MIDDLEWARE,
    READER_OF_JWT_COOKIES,
    SESSION_CHECK_MIDDLEWARE,
    SESSION_ENGINE,
    SITE_ENGINE,
)
from .characters import find_odd_characters

# The length of the username column and of the group name column.
MAX_LENGTH = 150
# An entry that a template engine or a shell should have replaced, or a word that they write for a missing value.
PLACEHOLDER = re.compile(
    r".*(\{\{|\{%|\$[a-z_{(]).*|\{[^{}]*\}|<[^<>]*>|none|null|nil|undefined", re.IGNORECASE | re.DOTALL
)
WILDCARDS = frozenset("*?%[]^$|")
EXACT = "Names are compared exactly, character by character."
CORRECT = f"Correct it or remove it. {EXACT}"
NOTHING_SET = "No account and no group is named in the settings."


@dataclass(frozen=True)
class Finding:
    """
    One thing that needs attention.

    ``setting`` and ``name`` are where it is, or None if it is not in one setting or one entry. If it is about accounts
    or names, ``count`` is how many, and ``accounts`` has the first usernames.
    """

    id: str
    message: str
    hint: str
    setting: str | None = None
    name: str | None = None
    count: int | None = None
    accounts: tuple[str, ...] = ()

    def as_check_message(self) -> CheckMessage:
        """Return this finding as a warning of the system checks."""
        return Warning(self.message, hint=self.hint, id=self.id)


def settings_module() -> str:
    """Return the name of the settings module, or an empty string if the settings come from no module."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "")


def settings_file() -> str | None:
    """Return the path of the operator's file, as the settings module keeps it: the platform's, and the one here."""
    return getattr(settings, "CONFIG_FILE", None) or getattr(settings, "LMS_CFG", None)


def find_settings_findings() -> list[Finding]:
    """Return the findings in the settings. Nothing is found on a site that has set nothing of this app."""
    findings = [*_find_unknown(), *_find_misplaced()]
    if is_anything_set():
        entries = (finding for setting in (USERNAMES, GROUPS) for finding in _find_in_entries(setting))
        findings += [*entries, *_find_in_flags(), *_find_in_studio(), *find_obstacles(), *_find_missing_parts()]
    return findings


def is_anything_set() -> bool:
    """Tell whether the settings exempt anybody or ask for the check at every request."""
    return is_anybody_exempt() or is_every_request_checked()


def is_silenced(finding: Finding) -> bool:
    """Tell whether SILENCED_SYSTEM_CHECKS has the id of ``finding``."""
    return finding.id in settings.SILENCED_SYSTEM_CHECKS


def why_not_in_force() -> list[str]:
    """Return why what the settings ask for is not in force in this process. An empty list means that it is."""
    if not is_anything_set():
        return [NOTHING_SET]
    return [finding.message for finding in (*find_obstacles(), *_find_missing_parts())]


def describe_force() -> list[str]:
    """Say in sentences whether what the settings ask for is in force in this process."""
    return why_not_in_force() or [f"{_subject()} in force."]


def find_obstacles() -> list[Finding]:
    """Return why no exemption is in force in this process, or not fully. An empty list means that all of them are."""
    return [*_find_missing_guard(), *_find_protection_off()]


def _subject() -> str:
    if not is_every_request_checked():
        return "The exemptions are"
    return (
        "The exemptions and the check at every request are" if is_anybody_exempt() else "The check at every request is"
    )


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
        if name.upper().startswith(PREFIX) and name not in (*OURS, SITE_ENGINE):
            known = name.upper() if name.upper() in OURS else f"one of {', '.join(OURS)}"
            hint = f"Write {known}, in upper case and at the top level, or remove it."
            yield Finding("single_login.W002", f"{name} has no effect: this app has no such setting.", hint, name)


def _find_misplaced() -> Iterator[Finding]:
    """Find settings of this app inside another setting, where nothing reads them."""
    read = {**get_written_names(), CHECK_EVERY_REQUEST: is_every_request_checked()}
    # Django warns if some of its own settings are only read.
    others = {name for name in dir(settings) if name.isupper() and not hasattr(global_settings, name)}
    for outer in sorted(others):
        inside = getattr(settings, outer)
        for name in OURS if isinstance(inside, Mapping) else ():
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
            yield Finding("single_login.W009", message, "Write true or false, and the same in both places.", flag)


def _find_in_studio() -> Iterator[Finding]:
    is_studio = "cms" in (settings.ROOT_URLCONF.partition(".")[0], getattr(settings, "SERVICE_VARIANT", None))
    if is_studio and is_protection_on():
        message = f"{PROTECTION} is on in Studio: a login to Studio ends the session in the LMS, and vice versa."
        yield Finding("single_login.W003", message, "Turn it off in Studio, and leave it on in the LMS.", PROTECTION)


def _find_missing_guard() -> Iterator[Finding]:
    guarded = find_guarded_signals()
    hint = (
        "Install a release of openedx-single-login that supports this platform. Until then the platform works as "
        "without the app. If it has these settings itself, it exempts accounts itself."
    )
    if not guarded:
        message = (
            f"{_subject()} not in force: the app `student` has no UserProfile.set_login_session, or its "
            f"enforce_single_login is not connected to {' and '.join(SIGNALS)}."
        )
        yield Finding("single_login.W004", message, hint)
    elif missing := [name for name in SIGNALS if name not in guarded]:
        message = (
            f"{_subject()} not fully in force: the platform's enforce_single_login is connected to {guarded[0]}, "
            f"but not to {missing[0]}."
        )
        yield Finding("single_login.W005", message, hint)


def _find_protection_off() -> Iterator[Finding]:
    if not is_protection_on():
        message = f"{_subject()} not in force: {PROTECTION} is off, so no login ends a session, of any account."
        yield Finding("single_login.W006", message, "Turn the protection on, or remove the settings of this app.")


def _find_missing_parts() -> Iterator[Finding]:
    """Find the parts of the check at every request that are not in place."""
    if not (is_every_request_checked() and is_protection_on()):
        return
    check = "The check at every request is not"
    lacks = f"{check} fully in force: MIDDLEWARE lacks"
    overridden = "A settings file that is read after the plugin settings (Tutor's can be) overrides"
    if settings.SESSION_ENGINE != SESSION_ENGINE:
        message = f"{check} in force: SESSION_ENGINE is {settings.SESSION_ENGINE!r}."
        hint = f"{overridden} SESSION_ENGINE. Let that file set {SITE_ENGINE} instead."
        yield Finding("single_login.W007", message, hint, "SESSION_ENGINE")
    names = list(map(str, settings.MIDDLEWARE or ()))
    sessions = next((place for place, name in enumerate(names) if name.endswith("SessionMiddleware")), 0)
    if SESSION_CHECK_MIDDLEWARE not in names[sessions:]:
        message = f"{lacks} {SESSION_CHECK_MIDDLEWARE!r} after the session middleware."
        hint = f"{overridden} MIDDLEWARE. Let that file name it, directly after the session middleware."
        yield Finding("single_login.W008", message, hint, "MIDDLEWARE")
    if READER_OF_JWT_COOKIES in names and JWT_COOKIE_MIDDLEWARE not in names[: names.index(READER_OF_JWT_COOKIES)]:
        message = f"{lacks} {JWT_COOKIE_MIDDLEWARE!r} before {READER_OF_JWT_COOKIES!r}."
        hint = f"{overridden} MIDDLEWARE. Let that file name it, directly before {READER_OF_JWT_COOKIES}."
        yield Finding("single_login.W008", message, hint, "MIDDLEWARE")
