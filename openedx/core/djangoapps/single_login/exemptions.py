"""
Who is exempt from single login, and by which rule.

The answer depends on the settings and the user, and on nothing else. Names are compared in Python, exactly: what the
database's collation takes for equal (case, trailing spaces) is not equal here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
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

_NOUNS = {USERNAMES: "usernames", GROUPS: "group names"}


@dataclass(frozen=True)
class Rule:
    """The setting, and the one name in it, by which an account is exempt."""

    setting: str
    name: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.name}"


@dataclass(frozen=True)
class Fault:
    """What makes a setting unusable, and how to mend it; ``id`` is that of the system check that reports it."""

    id: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} {self.remedy} ({self.id})"


@dataclass(frozen=True)
class Exemptions:
    """The exempt names, as configured."""

    usernames: frozenset[str]
    groups: frozenset[str]


def is_protection_on() -> bool:
    """Tell whether the platform keeps one session per account (``FEATURES["PREVENT_CONCURRENT_LOGINS"]``)."""
    return bool(getattr(settings, "FEATURES", {}).get("PREVENT_CONCURRENT_LOGINS", False))


@lru_cache(maxsize=1)
def get_exemptions() -> Exemptions:
    """
    Return the configured exemptions; they are read once, until a setting changes.

    Raises:
        ImproperlyConfigured: one message that names every fault in both settings.
    """
    faults = find_faults()
    if faults:
        raise ImproperlyConfigured("\n".join(map(str, faults)))
    return Exemptions(usernames=frozenset(configured(USERNAMES)), groups=frozenset(configured(GROUPS)))


def configured(setting: str) -> Any:
    """Return what ``setting`` holds, as it is written: duplicates, order and faults included. Absent means empty."""
    value = getattr(settings, setting, None)
    return [] if value is None else value


def find_faults() -> list[Fault]:
    """Return every fault that makes a setting unusable; an empty list when both can be used."""
    return [fault for setting in (USERNAMES, GROUPS) for fault in _faults_in(setting, configured(setting))]


def find_rules(username: str, group_names: Iterable[str]) -> list[Rule]:
    """
    Return every rule that exempts an account of this name in groups of these names; the first is the one to name.

    Raises:
        ImproperlyConfigured: when a setting is faulty.
    """
    exemptions = get_exemptions()
    by_username = [Rule(USERNAMES, username)] if username in exemptions.usernames else []
    return by_username + [Rule(GROUPS, name) for name in sorted(exemptions.groups.intersection(group_names))]


def find_rule(user: User | AnonymousUser) -> Rule | None:
    """
    Return the rule that exempts ``user`` from single login, or None when there is none.

    The groups are asked for, in one query, only when groups are configured and the username does not match.

    Raises:
        ImproperlyConfigured: when a setting is faulty.
    """
    if not user.is_authenticated:
        return None
    exemptions = get_exemptions()
    username = user.get_username()
    if username in exemptions.usernames:
        return Rule(USERNAMES, username)
    if exemptions.groups:
        return next(iter(find_rules(username, user.groups.values_list("name", flat=True))), None)
    return None


def still_exempts(rule: Rule, user: User) -> bool:
    """Tell whether ``rule``, which exempted ``user`` once, does so now; nothing of ``user`` is read for a username."""
    exemptions = get_exemptions()
    if rule.setting == USERNAMES:
        return rule.name in exemptions.usernames
    return rule.name in exemptions.groups and rule.name in user.groups.values_list("name", flat=True)


def _faults_in(setting: str, value: Any) -> list[Fault]:
    if not isinstance(value, list | tuple | set | frozenset):
        example = value if isinstance(value, str) and value else "name"
        found = f"{setting} must be a list of {_NOUNS[setting]}, but it is {_described(value)}."
        return [Fault("single_login.E001", found, f'Write it as a list, even for one name: {setting}: ["{example}"]')]
    return [
        Fault(
            "single_login.E003" if entry == "" else "single_login.E002",
            f"{setting}: entry {position} must be a name in quotes, but it is {_described(entry)}.",
            _remedy(entry),
        )
        for position, entry in enumerate(value, start=1)
        if not isinstance(entry, str) or not entry
    ]


def _described(value: Any) -> str:
    if value is None:
        return "null"
    return f"{value!r} ({type(value).__name__})" if value != "" else "an empty string"


def _remedy(entry: Any) -> str:
    if isinstance(entry, bool):
        return "YAML reads yes, no, on, off, true and false as booleans: put the name in quotes, or remove the entry."
    if isinstance(entry, int | float):
        return f'Put it in quotes: "{entry}"'
    return "Put one name in each entry, or remove the entry."


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in _NOUNS:
        get_exemptions.cache_clear()


setting_changed.connect(_forget, dispatch_uid="single_login.exemptions")
