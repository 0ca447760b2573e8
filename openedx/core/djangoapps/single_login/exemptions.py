"""
Who is exempt from single login, and by which rule.

The answer depends on the settings and the user, and on nothing else. Names are compared in Python, exactly: a database
may treat names as equal that differ in case or in spaces at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from .faults import find_faults_in_names, find_faults_in_switch

if TYPE_CHECKING:
    # The platform imports this module before its models are loaded.
    from django.contrib.auth.models import AnonymousUser, User

# .. setting_name: SINGLE_LOGIN_EXEMPT_USERNAMES
# .. setting_default: []
# .. setting_description: Exact usernames of the accounts that may have any number of sessions while
#   PREVENT_CONCURRENT_LOGINS is on. Absent, null and empty all mean that no account is exempt by name.
# .. setting_warning: A stolen password of an exempt account can be used without signing its owner out. Exempt only
#   service accounts. A value that is not a list of strings stops the process at start-up.
USERNAMES = "SINGLE_LOGIN_EXEMPT_USERNAMES"

# .. setting_name: SINGLE_LOGIN_EXEMPT_GROUPS
# .. setting_default: []
# .. setting_description: Exact names of django.contrib.auth groups. Members of any of them may have any number of
#   sessions while PREVENT_CONCURRENT_LOGINS is on. Absent, null and empty all mean that no account is exempt by group.
# .. setting_warning: Everybody who may edit the members of such a group can exempt accounts. Use a group that is only
#   for services. A value that is not a list of strings stops the process at start-up.
GROUPS = "SINGLE_LOGIN_EXEMPT_GROUPS"

# .. setting_name: SINGLE_LOGIN_CHECK_EVERY_REQUEST
# .. setting_default: False
# .. setting_description: The second level: a signed-in session is accepted only if it is the session on record of its
#   account, or if the account is exempt. JWT cookies count only together with such a session. Null means false.
# .. setting_warning: Adds one query to a signed-in request, or none if the account is exempt by username. A change
#   needs a restart. A value that is not true or false stops the process at start-up.
CHECK_EVERY_REQUEST = "SINGLE_LOGIN_CHECK_EVERY_REQUEST"

OUR_SETTINGS = (USERNAMES, GROUPS, CHECK_EVERY_REQUEST)
# Every name that begins like this, in any case, is meant for this app.
PREFIX = "SINGLE_LOGIN_"

# The platform's own flags. They stand in FEATURES, or at the top level on newer releases.
PROTECTION = "PREVENT_CONCURRENT_LOGINS"
SQUELCH = "SQUELCH_PII_IN_LOGS"

_NOUNS = {USERNAMES: "usernames", GROUPS: "group names"}
# Where ``exempting_rule`` keeps its answer on a user.
_KEPT_RULE = "_single_login_rule"


@dataclass(frozen=True)
class Rule:
    """The setting, and the one name in it, by which an account is exempt."""

    setting: str
    name: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.name}"


def exempting_rule(user: User | AnonymousUser) -> Rule | None:
    """
    Return the rule that exempts ``user`` from single login, or None.

    The user's groups are queried only if groups are configured and the username does not match. The answer is kept on
    ``user``, as Django keeps permissions: fetch the user again to ask again.

    Raises:
        ImproperlyConfigured: a setting is faulty.
    """
    if not hasattr(user, _KEPT_RULE):
        rules = matching_rules(user.get_username(), ())
        if not rules and get_exemptions()[GROUPS]:
            rules = matching_rules(user.get_username(), user.groups.values_list("name", flat=True))
        setattr(user, _KEPT_RULE, rules[0] if rules else None)
    rule: Rule | None = getattr(user, _KEPT_RULE)
    return rule


def matching_rules(username: str, group_names: Iterable[str]) -> list[Rule]:
    """Return every rule that exempts an account with this username and these groups, a username rule first."""
    exemptions = get_exemptions()
    by_username = [Rule(USERNAMES, username)] if username in exemptions[USERNAMES] else []
    return by_username + [Rule(GROUPS, name) for name in sorted(exemptions[GROUPS].intersection(group_names))]


def still_exempts(rule: Rule, user: User) -> bool:
    """
    Tell whether ``rule``, which exempted ``user`` at login, still holds.

    A username rule holds while the setting has the name. It needs no query, and a new username is not noticed.
    """
    if rule.name not in get_exemptions().get(rule.setting, ()):
        return False
    return rule.setting == USERNAMES or rule.name in user.groups.values_list("name", flat=True)


def is_any_name_set() -> bool:
    """Tell whether the settings name an account or a group."""
    return any(get_exemptions().values())


@lru_cache(maxsize=1)
def get_exemptions() -> Mapping[str, frozenset[str]]:
    """
    Return the exempt names by setting. The settings are read once, and again after ``setting_changed``.

    Raises:
        ImproperlyConfigured: one message that names every fault in the settings.
    """
    return {setting: frozenset(names) for setting, names in get_written_names().items()}


@lru_cache(maxsize=1)
def get_written_names() -> Mapping[str, tuple[str, ...]]:
    """
    Return the exempt names by setting, with the order and the duplicates of the settings, which are read once.

    Raises:
        ImproperlyConfigured: one message that names every fault in the settings.
    """
    values = {setting: getattr(settings, setting, None) for setting in OUR_SETTINGS}
    if faults := find_faults(values):
        raise ImproperlyConfigured("\n".join(faults))
    # Plain strings: a subclass of ``str`` could define ``==`` to match any name.
    return {setting: tuple(map(str.__str__, values[setting] or ())) for setting in _NOUNS}


def find_faults(values: Mapping[str, Any]) -> list[str]:
    """Return a message for each fault that makes one of our settings unusable. ``values`` has settings by name."""
    in_names = (find_faults_in_names(setting, values.get(setting), noun) for setting, noun in _NOUNS.items())
    return [
        *chain.from_iterable(in_names),
        *find_faults_in_switch(CHECK_EVERY_REQUEST, values.get(CHECK_EVERY_REQUEST)),
    ]


@lru_cache(maxsize=1)
def is_every_request_checked() -> bool:
    """Tell whether the settings ask for the check at every request. The setting is read once, as the lists are."""
    return getattr(settings, CHECK_EVERY_REQUEST, None) is True


def is_protection_on() -> bool:
    """Tell whether the platform keeps one session per account."""
    return is_flag_on(PROTECTION)


def is_pii_squelched() -> bool:
    """Tell whether logs must name accounts only by their numbers."""
    return is_flag_on(SQUELCH)


def is_flag_on(flag: str) -> bool:
    """Read ``flag`` as the platform does: in FEATURES if it is there, else at the top level, and by its truth."""
    features = getattr(settings, "FEATURES", None) or {}
    return bool(features[flag] if flag in features else getattr(settings, flag, False))


def _clear_cache(*, setting: str, **kwargs: Any) -> None:
    if setting in OUR_SETTINGS:
        get_exemptions.cache_clear()
        get_written_names.cache_clear()
        is_every_request_checked.cache_clear()


setting_changed.connect(_clear_cache, dispatch_uid="single_login.exemptions")
