"""
Who is exempt from single login, and by which rule.

The answer depends on the settings and the user, and on nothing else. Names are compared in Python, exactly: what the
database's collation takes for equal (case, trailing spaces) is not equal here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

if TYPE_CHECKING:
    # At run time this module is imported before there are models.
    from django.contrib.auth.models import AnonymousUser, User

# .. setting_name: SINGLE_LOGIN_EXEMPT_USERNAMES
# .. setting_default: []
# .. setting_description: Exact usernames of the accounts that may hold any number of sessions at once while
#   PREVENT_CONCURRENT_LOGINS is on. Absent, null and empty all mean that no account is exempt by name.
# .. setting_warning: An exempt account's password, once stolen, can be used without its owner being signed out. Exempt
#   service accounts only. Anything but a list of strings stops the process at start-up.
USERNAMES = "SINGLE_LOGIN_EXEMPT_USERNAMES"

# .. setting_name: SINGLE_LOGIN_EXEMPT_GROUPS
# .. setting_default: []
# .. setting_description: Exact names of the django.contrib.auth groups whose members may hold any number of sessions at
#   once while PREVENT_CONCURRENT_LOGINS is on. Membership in any one of them is enough. Absent, null and empty all mean
#   that no account is exempt by group.
# .. setting_warning: Whoever may edit a group's members may exempt accounts. Prefer a group made for services. Anything
#   but a list of strings stops the process at start-up.
GROUPS = "SINGLE_LOGIN_EXEMPT_GROUPS"

# Flags of the platform, annotated where it sets them: in FEATURES, or at the top level on newer releases.
PROTECTION = "PREVENT_CONCURRENT_LOGINS"
SQUELCH = "SQUELCH_PII_IN_LOGS"

_NOUNS = {USERNAMES: "usernames", GROUPS: "group names"}


@dataclass(frozen=True)
class Rule:
    """The setting, and the one name in it, by which an account is exempt."""

    setting: str
    name: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.name}"


def is_protection_on() -> bool:
    """Tell whether the platform keeps one session per account."""
    return _is_on(PROTECTION)


def is_pii_squelched() -> bool:
    """Tell whether the logs are to name accounts by their numbers alone."""
    return _is_on(SQUELCH)


@lru_cache(maxsize=1)
def get_exemptions() -> Mapping[str, frozenset[str]]:
    """
    Return the exempt names by setting; they are read once, until a setting changes.

    Raises:
        ImproperlyConfigured: one message that names every fault in the settings.
    """
    faults = find_faults()
    if faults:
        raise ImproperlyConfigured("\n".join(f"{fault.msg} {fault.hint} ({fault.id})" for fault in faults))
    return {setting: frozenset(configured(setting)) for setting in (USERNAMES, GROUPS)}


def configured(setting: str) -> Any:
    """
    Return what ``setting`` holds, as it is written: duplicates, order and faults included. Absent means empty.

    Names are plain strings: one of a class of its own could call itself equal to any other.
    """
    value = getattr(settings, setting, None)
    if isinstance(value, list | tuple | set | frozenset):
        return [str.__str__(entry) if isinstance(entry, str) else entry for entry in value]
    return [] if value is None else value


def find_faults() -> list[Error]:
    """Return every fault that makes a setting unusable, as the system checks report it."""
    in_names = (fault for setting in _NOUNS for fault in _faults_in_names(setting, configured(setting)))
    return [*in_names, *_faults_in_flags()]


def find_rules(username: str, group_names: Iterable[str]) -> list[Rule]:
    """Return every rule that exempts an account of this name in groups of these names; the first is the one to name."""
    exemptions = get_exemptions()
    by_username = [Rule(USERNAMES, username)] if username in exemptions[USERNAMES] else []
    return by_username + [Rule(GROUPS, name) for name in sorted(exemptions[GROUPS].intersection(group_names))]


def find_rule(user: User | AnonymousUser) -> Rule | None:
    """
    Return the rule that exempts ``user`` from single login, or None when there is none.

    The groups are asked for, in one query, only when groups are configured and the username does not match. A faulty
    setting raises ``ImproperlyConfigured``.
    """
    rules = find_rules(user.get_username(), ())
    if not rules and get_exemptions()[GROUPS]:
        rules = find_rules(user.get_username(), user.groups.values_list("name", flat=True))
    return next(iter(rules), None)


def still_exempts(rule: Rule, user: User) -> bool:
    """Tell whether ``rule``, which exempted ``user`` once, does so now; nothing of ``user`` is read for a username."""
    if rule.name not in get_exemptions().get(rule.setting, ()):
        return False
    return rule.setting == USERNAMES or rule.name in user.groups.values_list("name", flat=True)


def _is_on(flag: str) -> bool:
    # What is neither true nor false is a fault; until it is mended it must not fail open.
    return any(value is not False for value in _places(flag))


def _places(flag: str) -> tuple[Any, Any]:
    """Return what ``flag`` holds in FEATURES and at the top level: either place is enough to set it."""
    features = getattr(settings, "FEATURES", None)
    get = getattr(features, "get", lambda *args: features is not None)
    return get(flag, False), getattr(settings, flag, False)


def _faults_in_names(setting: str, value: Any) -> Iterator[Error]:
    if not isinstance(value, list):
        # What YAML reads from a bare word is that word; anything else may have been meant otherwise.
        example = value if isinstance(value, str) and re.fullmatch(r"[\w.@+-]+( [\w.@+-]+)*", value) else "name"
        found = f"{setting} must be a list of {_NOUNS[setting]}, but it is {_described(value)}."
        hint = f'Write it as a list, even for one name: {setting}: ["{example}"]'
        yield Error(found, hint=hint, id="single_login.E001")
        return
    for position, entry in enumerate(value, start=1):
        if not isinstance(entry, str) or not entry:
            yield Error(
                f"{setting}: entry {position} must be a name in quotes, but it is {_described(entry)}.",
                hint="Write one name, in quotes and exactly as the file has it, or remove the entry: "
                "without quotes YAML reads a number, a date, yes, no or null as something else than text.",
                id="single_login.E002",
            )


def _faults_in_flags() -> Iterator[Error]:
    features = getattr(settings, "FEATURES", None)
    if features is not None and not hasattr(features, "get"):
        found = f"FEATURES must be a mapping of features to true or false, but it is {_described(features)}."
        hint = f"Write it as a mapping, such as FEATURES: {{{PROTECTION}: true}}"
        yield Error(found, hint=hint, id="single_login.E003")
    for flag in (PROTECTION, SQUELCH):
        # A platform may show one value in both places.
        for value in dict.fromkeys(_described(value) for value in _places(flag) if not isinstance(value, bool)):
            found = f"{flag} must be true or false, but it is {value}."
            yield Error(found, hint="Write true or false, without quotes.", id="single_login.E003")


def _described(value: Any) -> str:
    return "null" if value is None else repr(value)


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in (*_NOUNS, PROTECTION, SQUELCH, "FEATURES"):
        get_exemptions.cache_clear()


setting_changed.connect(_forget, dispatch_uid="single_login.exemptions")
