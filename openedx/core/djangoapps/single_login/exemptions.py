"""
Who is exempt from single login, and by which rule.

The answer depends on the settings and the user, and on nothing else. Names are compared in Python, exactly: a database
may treat names as equal that differ in case or in spaces at the end.
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
# .. setting_description: Also check sessions at every request, not only at login: a session lives only while it is its
#   account's session on record or its account is exempt, and JWT cookies count only together with a live session.
# .. setting_warning: Adds one query to each request of a signed-in session. A change needs a restart. A value that is
#   not true or false stops the process at start-up.
CHECK_EVERY_REQUEST = "SINGLE_LOGIN_CHECK_EVERY_REQUEST"

# The platform's own flags. They stand in FEATURES, or at the top level on newer releases.
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
    return _is_flag_on(PROTECTION)


def is_pii_squelched() -> bool:
    """Tell whether logs must name accounts only by their numbers."""
    return _is_flag_on(SQUELCH)


@lru_cache(maxsize=1)
def get_exemptions() -> Mapping[str, frozenset[str]]:
    """
    Return the exempt names by setting. The settings are read once, and again after ``setting_changed``.

    Raises:
        ImproperlyConfigured: one message that names every fault in the settings.
    """
    faults = find_faults()
    if faults:
        raise ImproperlyConfigured("\n".join(f"{fault.msg} {fault.hint} ({fault.id})" for fault in faults))
    return {setting: frozenset(configured(setting)) for setting in (USERNAMES, GROUPS)}


def configured(setting: str) -> Any:
    """
    Return the value of ``setting`` as it is written, with its duplicates, order and faults. Absent and null mean [].

    Names are plain strings: a subclass of ``str`` could define ``==`` to match any name.
    """
    value = getattr(settings, setting, None)
    if isinstance(value, list | tuple | set | frozenset):
        return [str.__str__(entry) if isinstance(entry, str) else entry for entry in value]
    return [] if value is None else value


def find_faults() -> list[Error]:
    """Return every fault that makes a setting unusable, as the system checks report it."""
    in_names = (fault for setting in _NOUNS for fault in _faults_in_names(setting, configured(setting)))
    return [*in_names, *_faults_in_flags()]


def matching_rules(username: str, group_names: Iterable[str]) -> list[Rule]:
    """Return every rule that exempts an account with this username and these groups, a username rule first."""
    exemptions = get_exemptions()
    by_username = [Rule(USERNAMES, username)] if username in exemptions[USERNAMES] else []
    return by_username + [Rule(GROUPS, name) for name in sorted(exemptions[GROUPS].intersection(group_names))]


def exempting_rule(user: User | AnonymousUser) -> Rule | None:
    """
    Return the rule that exempts ``user`` from single login, or None.

    The user's groups are queried, once, only if groups are configured and the username does not match.

    Raises:
        ImproperlyConfigured: a setting is faulty.
    """
    rules = matching_rules(user.get_username(), ())
    if not rules and get_exemptions()[GROUPS]:
        rules = matching_rules(user.get_username(), user.groups.values_list("name", flat=True))
    return rules[0] if rules else None


def still_exempts(rule: Rule, user: User) -> bool:
    """Tell whether ``rule``, which exempted ``user`` at login, exempts them now. A username rule needs no query."""
    if rule.name not in get_exemptions().get(rule.setting, ()):
        return False
    return rule.setting == USERNAMES or rule.name in user.groups.values_list("name", flat=True)


def _is_flag_on(flag: str) -> bool:
    # A value that is neither true nor false is a fault. Until it is corrected, the protection must not be off.
    return any(value is not False for value in _values_of_flag(flag))


def _values_of_flag(flag: str) -> tuple[Any, Any]:
    """Return the value of ``flag`` in FEATURES and at the top level. It may be set in either place."""
    features = getattr(settings, "FEATURES", None)
    get = getattr(features, "get", lambda *args: features is not None)
    return get(flag, False), getattr(settings, flag, False)


def _faults_in_names(setting: str, value: Any) -> Iterator[Error]:
    if not isinstance(value, list):
        # Repeat a plain word as the example. Anything else may not be the name that was meant.
        example = value if isinstance(value, str) and re.fullmatch(r"[\w.@+-]+( [\w.@+-]+)*", value) else "name"
        message = f"{setting} must be a list of {_NOUNS[setting]}, but it is {_described(value)}."
        hint = f'Write it as a list, even for one name: {setting}: ["{example}"]'
        yield Error(message, hint=hint, id="single_login.E001")
        return
    for position, entry in enumerate(value, start=1):
        if not isinstance(entry, str) or not entry or not _can_be_stored(entry):
            yield Error(
                f"{setting}: entry {position} must be a name in quotes, but it is {_described(entry)}.",
                hint="Write one name, in quotes and exactly as the account or group has it, or remove the entry. "
                "Without quotes, YAML reads a number, a date, yes, no or null as something other than text.",
                id="single_login.E002",
            )


def _faults_in_flags() -> Iterator[Error]:
    features = getattr(settings, "FEATURES", None)
    if features is not None and not hasattr(features, "get"):
        message = f"FEATURES must be a mapping of features to true or false, but it is {_described(features)}."
        hint = f"Write it as a mapping, such as FEATURES: {{{PROTECTION}: true}}"
        yield Error(message, hint=hint, id="single_login.E003")
    values_by_flag = {
        PROTECTION: _values_of_flag(PROTECTION),
        SQUELCH: _values_of_flag(SQUELCH),
        CHECK_EVERY_REQUEST: [getattr(settings, CHECK_EVERY_REQUEST, False)],
    }
    for flag, values in values_by_flag.items():
        # A platform may show the same value in both places: report it once.
        for value in dict.fromkeys(_described(value) for value in values if not isinstance(value, bool)):
            message = f"{flag} must be true or false, but it is {value}."
            yield Error(message, hint="Write true or false, without quotes.", id="single_login.E003")


def _can_be_stored(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair.
        return False
    return True


def _described(value: Any) -> str:
    return "null" if value is None else repr(value)


def _clear_cache(*, setting: str, **kwargs: Any) -> None:
    if setting in (*_NOUNS, PROTECTION, SQUELCH, CHECK_EVERY_REQUEST, "FEATURES"):
        get_exemptions.cache_clear()


setting_changed.connect(_clear_cache, dispatch_uid="single_login.exemptions")
