"""The system checks, which a deploy pipeline runs, and the findings that the report shares with them."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import DatabaseError, connections, router

from ..exemptions import GROUPS, PROTECTION, USERNAMES, configured, find_faults, is_protection_on
from ..platform_receiver import is_enforcing
from ..settings import JWT_COOKIE_MIDDLEWARE, READER_OF_JWT_COOKIES, SESSION_ENGINE, SITE_ENGINE

# The length of the username column and of the group name column.
MAX_LENGTH = 150
WILDCARDS = frozenset("*?%[]^$|")
EXACT = "Names are compared exactly, character by character."


@dataclass(eq=False)
class Finding(Warning):
    """
    Something that needs an operator's attention: a warning of the system checks, and a line of the report.

    ``setting`` and ``name`` tell where it stands, and are None when it does not stand in one entry. ``accounts`` are
    the first of the ``count`` accounts that it is about, if it is about accounts.
    """

    id: str
    message: str
    hint: str
    setting: str | None = None
    name: str | None = None
    count: int | None = None
    accounts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__init__(self.message, hint=self.hint, id=self.id)


def check_settings(**kwargs: Any) -> Iterable[CheckMessage]:
    """Report ``single_login.E001`` to ``E003``, with which no process starts, or else ``W001`` to ``W008``."""
    return find_faults() or find_settings_findings()


def check_platform(**kwargs: Any) -> Iterable[CheckMessage]:
    """Check that logins and logouts are ours to enforce: ``single_login.E101``."""
    if is_enforcing():
        return []
    message = "No enforce_single_login was found to take the place of: nobody is exempt from single login."
    hint = "Look for a release of openedx-single-login that knows this platform, whose own protection works meanwhile."
    return [Error(message, hint=hint, id="single_login.E101")]


def check_names(databases: Sequence[str] | None = None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Report the configured names that match nothing, if ``databases`` holds the one where the accounts are."""
    # Imported here because it reads models, which are not there yet when the checks are registered.
    from .report import Report

    alias = router.db_for_read(get_user_model())
    if alias not in (databases or ()) or find_faults():
        return []
    try:
        return list(Report(using=alias).find_unmatched())
    except DatabaseError as error:
        # ``migrate`` runs the checks of its database before it makes the tables.
        if "migrate" in sys.argv and "auth_group" not in connections[alias].introspection.table_names():
            return []
        message = f"Whether the names in {USERNAMES} and {GROUPS} match anything was not checked: {error}"
        hint = "Run the check with a database account that may read users and groups, after `migrate`."
        return [Warning(message, hint=hint, id="single_login.W010")]


def find_settings_findings() -> list[Finding]:
    """Return what the settings alone show; they have to be free of faults."""
    entries = (finding for setting in (USERNAMES, GROUPS) for finding in _in_entries(setting))
    return [*entries, *_in_names_of_settings(), *_in_protection()]


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
            message = f"{place} is not read by anything: it is misspelt or misplaced."
            hint = f"Write {meant}, at the top level, if that is what was meant."
            yield Finding("single_login.W002", message, hint, place)


def _in_protection() -> Iterator[Finding]:
    if not is_protection_on():
        if any(map(configured, (USERNAMES, GROUPS))):
            message = f"{USERNAMES} or {GROUPS} exempts accounts, but {PROTECTION} is off for all of them."
            yield Finding("single_login.W006", message, "Turn the protection on, or remove the exemptions.")
        return
    if "cms" in (settings.ROOT_URLCONF.partition(".")[0], getattr(settings, "SERVICE_VARIANT", None)):
        message = f"{PROTECTION} is on in Studio: signing in there signs out of the LMS, and the other way round."
        yield Finding("single_login.W003", message, "Turn it off in Studio, and leave it on in the LMS.", PROTECTION)
    overruled = "A settings file that comes after the plugins' sets it: let it"
    if settings.SESSION_ENGINE != SESSION_ENGINE:
        message = f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, not {SESSION_ENGINE!r}: two sessions may live."
        yield Finding("single_login.W007", message, f"{overruled} set {SITE_ENGINE} instead.", "SESSION_ENGINE")
    names = list(settings.MIDDLEWARE)
    if READER_OF_JWT_COOKIES in names and JWT_COOKIE_MIDDLEWARE not in names[: names.index(READER_OF_JWT_COOKIES)]:
        message = f"MIDDLEWARE lacks {JWT_COOKIE_MIDDLEWARE!r}: JWT cookies count without a session."
        hint = f"{overruled} name ours before {READER_OF_JWT_COOKIES}."
        yield Finding("single_login.W008", message, hint, "MIDDLEWARE")
