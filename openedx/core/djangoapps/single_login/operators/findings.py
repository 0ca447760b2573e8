"""What looks wrong in the settings themselves, however usable they are. Nothing here reads the database."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.conf import settings

from ..exemptions import GROUPS, PROTECTION, USERNAMES, configured, find_faults, is_protection_on
from ..settings import JWT_COOKIE_MIDDLEWARE, READER_OF_JWT_COOKIES, SESSION_ENGINE, SITE_ENGINE

# The length of the username column and of the group name column.
MAX_LENGTH = 150
WILDCARDS = frozenset("*?%[]^$|")
EXACT = "Names are compared exactly, character by character."


@dataclass(frozen=True)
class Finding:
    """
    Something that needs an operator's attention.

    ``id`` is stable, and the id of the system check that reports the same. ``setting`` and ``name`` tell where it
    stands, and are None when it does not stand in one entry. ``accounts`` are the first of the ``count`` accounts that
    it is about, if it is about accounts.
    """

    id: str
    message: str
    hint: str
    setting: str | None = None
    name: str | None = None
    count: int | None = None
    accounts: tuple[str, ...] = ()


def find_settings_findings() -> list[Finding]:
    """Return what the settings alone show; nothing when they are faulty, for then the process refuses to start."""
    if find_faults():
        return []
    entries = (finding for setting in (USERNAMES, GROUPS) for finding in _in_entries(setting))
    return [*entries, *_in_names_of_settings(), *_in_studio(), *_past_the_rule(), *_without_protection()]


def _in_entries(setting: str) -> Iterator[Finding]:
    names = configured(setting)
    for position, name in enumerate(names, start=1):
        problems = {
            "begins or ends with white space": name != name.strip(),
            "holds a wildcard character, and there are no patterns": WILDCARDS.intersection(name),
            "holds a comma, and each entry is one name": "," in name,
            f"is {len(name)} characters long, and a name has at most {MAX_LENGTH}": len(name) > MAX_LENGTH,
            "is there twice": name in names[: position - 1],
        }
        for problem in (problem for problem, is_so in problems.items() if is_so):
            message = f"{setting}: entry {position}, {name!r}, {problem}."
            yield Finding("single_login.W001", message, f"Correct it or remove it. {EXACT}", setting, name)


def _in_names_of_settings() -> Iterator[Finding]:
    features: Mapping[Any, Any] = getattr(settings, "FEATURES", None) or {}
    # A name in lower case never becomes a setting, but stands in the module that read the operator's file.
    module = sys.modules.get(settings.SETTINGS_MODULE or "")
    at_the_top = {*dir(settings), *(vars(module) if module else ())}
    for name in sorted({*at_the_top, *map(str, features)}):
        plain = re.sub(r"\W", "_", name).upper()
        meant = next(iter(get_close_matches(plain, [USERNAMES, GROUPS, PROTECTION], n=1, cutoff=0.8)), name)
        # Newer platforms show every setting in FEATURES, too.
        is_misplaced = name in (USERNAMES, GROUPS) and features.get(name) not in (None, getattr(settings, name, None))
        if meant != name or is_misplaced:
            place = name if name in at_the_top and not is_misplaced else f"FEATURES: {name}"
            yield Finding(
                "single_login.W002",
                f"{place} is not read by anything: it is misspelt or misplaced.",
                f"Write {meant}, at the top level, if that is what was meant.",
                place,
            )


def _in_studio() -> Iterator[Finding]:
    system = settings.ROOT_URLCONF.partition(".")[0]
    if is_protection_on() and "cms" in (system, getattr(settings, "SERVICE_VARIANT", None)):
        yield Finding(
            "single_login.W003",
            f"{PROTECTION} is on in Studio, which shares each account's one session with the LMS: "
            "signing in to one signs out of the other.",
            "Turn it off in Studio, and leave it on in the LMS.",
            PROTECTION,
        )


def _past_the_rule() -> Iterator[Finding]:
    if not is_protection_on():
        return
    if settings.SESSION_ENGINE != SESSION_ENGINE:
        yield Finding(
            "single_login.W007",
            f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, not {SESSION_ENGINE!r} over the site's own: an account "
            "may be left with two live sessions.",
            f"A settings file that comes after the plugins' sets it: let it set {SITE_ENGINE} instead.",
            "SESSION_ENGINE",
        )
    names = list(settings.MIDDLEWARE)
    if READER_OF_JWT_COOKIES in names and JWT_COOKIE_MIDDLEWARE not in names[: names.index(READER_OF_JWT_COOKIES)]:
        yield Finding(
            "single_login.W008",
            f"MIDDLEWARE lacks {JWT_COOKIE_MIDDLEWARE!r}: a browser whose session was ended goes on using every API "
            "by its JWT cookies.",
            f"A settings file that comes after the plugins' sets it: let it name ours before {READER_OF_JWT_COOKIES}.",
            "MIDDLEWARE",
        )


def _without_protection() -> Iterator[Finding]:
    if not is_protection_on() and any(map(configured, (USERNAMES, GROUPS))):
        yield Finding(
            "single_login.W006",
            f"{USERNAMES} or {GROUPS} exempts accounts, but {PROTECTION} is off: "
            "every account may hold any number of sessions.",
            "Turn the protection on, or remove the exemptions.",
        )
