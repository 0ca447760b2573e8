"""What needs an operator's attention. The settings' findings are made here, the accounts' findings in the report."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE, global_settings, settings
from django.core.checks import CheckMessage, Warning  # noqa: A004

from ..exemptions import CHECK_EVERY_REQUEST, GROUPS, PROTECTION, SQUELCH, USERNAMES, configured, is_protection_on
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
WILDCARDS = frozenset("*?%[]^$|")
EXACT = "Names are compared exactly, character by character."
CORRECT = f"Correct it or remove it. {EXACT}"
# Settings of this app, which count only at the top level, and the platform's flags, which may stand in FEATURES.
OURS = (USERNAMES, GROUPS, CHECK_EVERY_REQUEST)
KNOWN = (*OURS, PROTECTION, SQUELCH)


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


def is_check_asked_for() -> bool:
    """Tell whether the settings ask for the check at every request. W007 and W008 tell if it is not in place."""
    return getattr(settings, CHECK_EVERY_REQUEST, False) is True


def settings_module() -> str:
    """Return the name of the settings module."""
    return os.environ.get(ENVIRONMENT_VARIABLE, "")


def settings_file() -> str | None:
    """Return the path of the operator's file, as the settings module keeps it: the platform's, and the one here."""
    return getattr(settings, "CONFIG_FILE", None) or getattr(settings, "LMS_CFG", None)


def find_settings_findings() -> list[Finding]:
    """Return the findings in the settings. Call it only if the settings have no faults."""
    entries = (finding for setting in (USERNAMES, GROUPS) for finding in _find_in_entries(setting))
    return [*entries, *_find_misplaced(), *_find_in_protection()]


def _find_in_entries(setting: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for position, name in enumerate(configured(setting), start=1):
        odd = find_odd_characters(name)
        problems = {
            "starts or ends with white space": name != name.strip(),
            "has a wildcard character, but there are no patterns": WILDCARDS.intersection(name),
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


def _find_misplaced() -> Iterator[Finding]:
    """Find misspelt names of settings, and settings inside a mapping where nothing reads them."""
    features: Mapping[Any, Any] = getattr(settings, "FEATURES", None) or {}
    # A lower-case key of the platform's file becomes a variable of the settings module, but not a setting.
    module = vars(sys.modules[settings_module()]) if settings_module() in sys.modules else {}
    # Django warns if some of its own settings are only read.
    others = (name for name in dir(settings) if name.isupper() and not hasattr(global_settings, name))
    top_level = {**module, **{name: getattr(settings, name) for name in others}}
    for name in sorted(top_level):
        if meant := _find_meant(name):
            yield _without_effect(name, "it is misspelt", meant)
        value = top_level[name]
        if isinstance(value, Mapping) and name != "FEATURES" and not name.startswith("_"):
            for place, key in _find_nested(value):
                reason = "it is in the wrong place, or a settings file that is read later replaced it"
                yield _without_effect(f"{name}: {place}", reason, key)
    for name in sorted(map(str, features)):
        if meant := _find_meant(name):
            yield _without_effect(f"FEATURES: {name}", "it is misspelt", meant)
        # Newer platforms show every setting in FEATURES.
        if name in OURS and features[name] not in (None, getattr(settings, name, None)):
            yield _without_effect(f"FEATURES: {name}", "it is in the wrong place", name)


def _find_meant(name: str) -> str | None:
    """Return the setting that ``name`` was probably meant to be, or None if it is one or resembles none."""
    plain = re.sub(r"\W", "_", name).upper()
    meant = next(iter(get_close_matches(plain, KNOWN, n=1, cutoff=0.8)), None)
    return None if meant == name else meant


def _find_nested(mapping: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """
    Yield the settings in ``mapping``, a setting itself, that are not in force: their place in it and their name.

    Some platforms keep a copy of the whole settings file in a setting. There each value is also the one in force.
    """
    features = mapping.get("FEATURES")
    for key in KNOWN:
        if mapping.get(key) not in (None, getattr(settings, key, None)):
            yield key, key
        if isinstance(features, Mapping) and features.get(key) not in (None, settings.FEATURES.get(key)):
            yield f"FEATURES: {key}", key


def _without_effect(place: str, reason: str, meant: str) -> Finding:
    message = f"{place} has no effect: {reason}."
    hint = f"Write {meant}, at the top level, if that is what was meant."
    return Finding("single_login.W002", message, hint, place)


def _find_in_protection() -> Iterator[Finding]:
    if not is_protection_on():
        if any(map(configured, (USERNAMES, GROUPS))):
            message = f"{USERNAMES} or {GROUPS} exempts accounts, but {PROTECTION} is off for all accounts."
            yield Finding("single_login.W006", message, "Turn the protection on, or remove the exemptions.")
        return
    if "cms" in (settings.ROOT_URLCONF.partition(".")[0], getattr(settings, "SERVICE_VARIANT", None)):
        message = f"{PROTECTION} is on in Studio: a login to Studio ends the session in the LMS, and vice versa."
        yield Finding("single_login.W003", message, "Turn it off in Studio, and leave it on in the LMS.", PROTECTION)
    if is_check_asked_for():
        yield from _find_missing_parts()


def _find_missing_parts() -> Iterator[Finding]:
    """Find the parts of the check at every request that are not in place."""
    problem = f"{CHECK_EVERY_REQUEST} is on, but not in place:"
    overridden = "A settings file that is read after the plugin settings (Tutor's can be) overrides"
    if settings.SESSION_ENGINE != SESSION_ENGINE:
        message = f"{problem} SESSION_ENGINE is {settings.SESSION_ENGINE!r}."
        hint = f"{overridden} SESSION_ENGINE. Let that file set {SITE_ENGINE} instead."
        yield Finding("single_login.W007", message, hint, "SESSION_ENGINE")
    names = list(settings.MIDDLEWARE)
    sessions = next((place for place, name in enumerate(names) if name.endswith("SessionMiddleware")), 0)
    if SESSION_CHECK_MIDDLEWARE not in names[sessions:]:
        message = f"{problem} MIDDLEWARE lacks {SESSION_CHECK_MIDDLEWARE!r} after the session middleware."
        hint = f"{overridden} MIDDLEWARE. Let that file name it, directly after the session middleware."
        yield Finding("single_login.W008", message, hint, "MIDDLEWARE")
    if READER_OF_JWT_COOKIES in names and JWT_COOKIE_MIDDLEWARE not in names[: names.index(READER_OF_JWT_COOKIES)]:
        message = f"{problem} MIDDLEWARE lacks {JWT_COOKIE_MIDDLEWARE!r} before {READER_OF_JWT_COOKIES!r}."
        hint = f"{overridden} MIDDLEWARE. Let that file name it, directly before {READER_OF_JWT_COOKIES}."
        yield Finding("single_login.W008", message, hint, "MIDDLEWARE")
