"""
Who is exempt, by which rules, and what needs attention: one report for the command, the page and the checks.

Every decision is asked of ``exemptions``. The database only finds the rows to ask about: configured names become
primary keys in Python, where they are compared exactly, and everything after that goes by primary key. The number of
queries does not depend on the number of accounts, which are read as a stream.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from itertools import groupby
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db.models import Count, Q, QuerySet

from ..exemptions import GROUPS, PROTECTION, USERNAMES, Rule, get_exemptions, is_protection_on, matching_rules
from ..session_slot import META_KEY
from .checks import EXACT, Finding, find_settings_findings

# The shape of the JSON, described in docs/operators.rst: a field may be added to it without a new version.
VERSION = 1
LARGE_GROUP = 20
NAMED_ACCOUNTS = 20
CHUNK = 2000
CANDIDATES = 1000

# What an exempt account had better not be: its column, the finding's id, and what to do about it.
RISKS = {
    "is_active": ("single_login.W013", "inactive", "Take accounts out of the exemption when they are retired."),
    "is_staff": ("single_login.W014", "staff", "Exempt service accounts, not people: staff can change courses."),
    "is_superuser": ("single_login.W015", "superusers", "A service account needs a group, not every permission."),
}


@dataclass(frozen=True)
class Account:
    """An account, and the rules that exempt it, if any."""

    id: int
    username: str
    rules: tuple[Rule, ...]
    is_active: bool
    is_staff: bool
    is_superuser: bool
    last_login: datetime | None
    has_recorded_session: bool


class Report:
    """
    The exemptions as the settings and the database have them now. A faulty setting raises ``ImproperlyConfigured``.

    An exempt group of more than ``large_group`` members is a finding. ``using`` names the database to read, if not the
    router's choice.
    """

    def __init__(self, large_group: int = LARGE_GROUP, using: str | None = None) -> None:
        exemptions = get_exemptions()
        self.large_group = large_group
        self._all_users = get_user_model().objects.using(using)
        self._all_groups = Group.objects.using(using)
        self._users = _ids_by_name(self._all_users, "username", exemptions[USERNAMES])
        self._groups = _ids_by_name(self._all_groups, "name", exemptions[GROUPS])

    def exempt_users(self, search: str = "") -> QuerySet[User]:
        """Return the exempt users whose names contain ``search``, by name."""
        members = self._all_users.filter(groups__in=self._groups.values()).values("pk")
        exempt = self._all_users.filter(Q(pk__in=self._users.values()) | Q(pk__in=members))
        return (exempt.filter(username__icontains=search) if search else exempt).order_by("username")

    def read_accounts(self, users: QuerySet[User]) -> Iterator[Account]:
        """Read ``users`` with everything the report says of an account, in one query, as a stream."""
        columns = ["pk", "username", "is_active", "is_staff", "is_superuser", "last_login", "profile__meta"]
        rows = users.values_list(*columns, "groups__name").iterator(chunk_size=CHUNK)
        for account, memberships in groupby(rows, key=lambda row: row[:-1]):
            pk, username, is_active, is_staff, is_superuser, last_login, meta = account
            rules = tuple(matching_rules(username, (group for *_, group in memberships)))
            yield Account(pk, username, rules, is_active, is_staff, is_superuser, last_login, _is_recorded(meta))

    @cached_property
    def findings(self) -> list[Finding]:
        """Everything that needs attention: in the settings, and in the database."""
        return [*find_settings_findings(), *self.find_unmatched(), *self._find_risky(), *self._find_large_groups()]

    def find_unmatched(self) -> Iterator[Finding]:
        """Yield a finding for each configured name that no account or no group has."""
        exemptions = get_exemptions()
        for name in sorted(exemptions[USERNAMES] - self._users.keys()):
            hint = _hint(name, self._all_users, "username", "Correct it or remove it.")
            message = f"{USERNAMES}: {name!r} matches no account. Whoever registers that name is exempt."
            yield Finding("single_login.W011", message, hint, USERNAMES, name)
        for name in sorted(exemptions[GROUPS] - self._groups.keys()):
            hint = _hint(name, self._all_groups, "name", "Correct it, remove it, or create the group.")
            yield Finding("single_login.W012", f"{GROUPS}: {name!r} matches no group.", hint, GROUPS, name)

    def explain(self, username: str) -> tuple[Account | None, str]:
        """Return the account of this name, if there is one, and a sentence on whether it is exempt and why."""
        ids = _ids_by_name(self._all_users, "username", [username])
        account = next(self.read_accounts(self._all_users.filter(pk__in=ids.values())), None)
        if account is None:
            return None, f"No account is named {username!r}. {_hint(username, self._all_users, 'username', '')}"
        return account, _sentence(account)

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the accounts, ready for JSON."""
        return {
            "version": VERSION,
            "protection": is_protection_on(),
            "settings": {setting: sorted(names) for setting, names in get_exemptions().items()},
            "exempt_accounts": self.exempt_users().count(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def _find_risky(self) -> Iterator[Finding]:
        risky = {column: Q(**{column: column != "is_active"}) for column in RISKS}
        exempt = self.exempt_users()
        counts = exempt.aggregate(**{f"{column}_count": Count("pk", filter=risky[column]) for column in RISKS})
        for column, (number, what, hint) in RISKS.items():
            count = counts[f"{column}_count"]
            if count:
                names = tuple(exempt.filter(risky[column]).values_list("username", flat=True)[:NAMED_ACCOUNTS])
                rest = f" and {count - len(names)} more" if count > len(names) else ""
                message = f"Exempt accounts that are {what}: {count} ({', '.join(map(repr, names))}{rest})."
                yield Finding(number, message, hint, count=count, accounts=names)

    def _find_large_groups(self) -> Iterator[Finding]:
        groups = self._all_groups.filter(pk__in=self._groups.values()).order_by("name")
        for name, count in groups.values_list("name", Count("user")):
            if count > self.large_group:
                message = f"{GROUPS}: the group {name!r} exempts {count} accounts, more than {self.large_group}."
                hint = "Prefer a group made for services, with nobody else in it."
                yield Finding("single_login.W016", message, hint, GROUPS, name, count)


def _ids_by_name(rows: QuerySet[User] | QuerySet[Group], column: str, names: Collection[str]) -> dict[str, int]:
    # What the collation takes for equal is found by the query, and dropped here.
    if not names:
        return {}
    found = rows.filter(**{f"{column}__in": names}).values_list(column, "pk")
    return {name: pk for name, pk in found if name in names}


def _is_recorded(meta: str | None) -> bool:
    try:
        return bool(json.loads(meta or "{}").get(META_KEY))
    except (ValueError, AttributeError):
        return False


def _hint(name: str, rows: QuerySet[User] | QuerySet[Group], column: str, otherwise: str) -> str:
    """Return what may have been meant by ``name``, or what to do ``otherwise``."""
    wanted = name.strip()
    alike = Q(**{f"{column}__istartswith": wanted[:2]}) | Q(**{f"{column}__iendswith": wanted[-2:]})
    candidates = list(rows.filter(alike).order_by(column).values_list(column, flat=True)[:CANDIDATES])
    closest = get_close_matches(wanted.casefold(), map(str.casefold, candidates), n=1)
    # Several names may differ by case alone: which of them was meant is not for us to guess.
    meant = " or ".join(repr(found) for found in candidates if found.casefold() in closest)
    return f"Did you mean {meant}? {EXACT}" if meant else f"{otherwise} {EXACT}".strip()


def _sentence(account: Account) -> str:
    name = repr(account.username)
    if not is_protection_on():
        return f"{name} may hold any number of sessions, as every account may: {PROTECTION} is off."
    if account.rules:
        return f"{name} is exempt, by {' and by '.join(map(str, account.rules))}: its logins end no session."
    groups = ", ".join(map(repr, sorted(get_exemptions()[GROUPS])))
    by_group = f"a member of an exempt group ({groups})" if groups else f"a member of a group that {GROUPS} names"
    return (
        f"{name} is not exempt: each login ends its earlier session. "
        f"It would be exempt as {by_group}, or if {USERNAMES} named it."
    )
