"""
Who is exempt, by which rules, and what needs attention: one report for the command, the page and the system checks.

The database only finds candidates. ``exemptions`` decides, on names that are compared in Python, exactly. Queries name
at most ``CHUNK`` rows each: databases limit how long a statement may be. The report holds a short row of each exempt
account in memory, and reads the rest of it when it is asked for.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Count, Q, QuerySet, Value

from .. import __version__
from ..exemptions import (
    GROUPS,
    USERNAMES,
    Rule,
    get_exemptions,
    is_every_request_checked,
    is_protection_on,
    matching_rules,
)
from ..one_session.slot import META_KEY, parse_meta
from .characters import describe_differences
from .finding import Finding, is_silenced
from .findings import EXACT, find_settings_findings, settings_file, settings_module
from .in_force import find_obstacles, why_not_in_force
from .lookups import Lookup, chunks, fetch, look_up

# The shape of the JSON, described in docs/operators.rst: a field may be added to it without a new version.
JSON_VERSION = 1
LARGE_GROUP = 20
# Of many names or accounts, a finding names the first.
MAX_NAMED = 20
MAX_CANDIDATES = 1000
# This module is imported at start-up, right after the settings are read.
STARTED = datetime.now(UTC)


@dataclass(frozen=True)
class Risk:
    """A column of an account, the value that makes an exempt account risky, and how the finding says it."""

    column: str
    value: bool
    id: str
    noun: str
    hint: str


RISKS = (
    Risk(
        "is_active",
        value=False,
        id="single_login.W013",
        noun="inactive",
        hint="Take accounts out of the exemption when they are retired.",
    ),
    Risk(
        "is_staff",
        value=True,
        id="single_login.W014",
        noun="staff",
        hint="Exempt service accounts, not people: staff can change courses.",
    ),
    Risk(
        "is_superuser",
        value=True,
        id="single_login.W015",
        noun="superusers",
        hint="A service account needs a group, not every permission.",
    ),
)


@dataclass(frozen=True)
class NameKind:
    """What the names of a setting are, and how the finding says that one of them matches nothing."""

    setting: str
    noun: str
    column: str
    id: str
    consequence: str
    remedy: str


NAME_KINDS = (
    NameKind(
        USERNAMES,
        noun="account",
        column="username",
        id="single_login.W011",
        consequence="Anybody who registers such a name becomes exempt.",
        remedy="Correct it or remove it.",
    ),
    NameKind(
        GROUPS,
        noun="group",
        column="name",
        id="single_login.W012",
        consequence="",
        remedy="Correct it, remove it, or create the group.",
    ),
)

# How --user finds an account: the field, and the word for it.
FOUND_BY = {"username": "username", "id": "number", "email": "e-mail address"}
LONGEST_NUMBER = 18


class Row(NamedTuple):
    """The columns of an account that the findings and the page's filter need."""

    username: str
    pk: int
    is_active: bool
    is_staff: bool
    is_superuser: bool


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
    has_session_on_record: bool


@dataclass(frozen=True)
class Match:
    """An account that somebody asked about: what it matched by, and a sentence on whether it is exempt and why."""

    matched_by: str
    account: Account
    explanation: str


class Report:
    """
    The exemptions as the settings and the database have them now. A faulty setting raises ``ImproperlyConfigured``.

    An exempt group of more than ``large_group`` members is a finding. ``using`` names the database to read, if not the
    router's choice.
    """

    def __init__(self, large_group: int = LARGE_GROUP, using: str | None = None) -> None:
        self.large_group = large_group
        self._names = get_exemptions()
        self._users = get_user_model().objects.using(using)
        self._groups = Group.objects.using(using)
        self._rows: dict[str, QuerySet[Any]] = {USERNAMES: self._users, GROUPS: self._groups}

    def exempt_ids(self, search: str = "") -> list[int]:
        """Return the primary keys of the exempt accounts whose usernames contain ``search``, by username."""
        wanted = search.casefold()
        return [row.pk for row in self._exempt if wanted in row.username.casefold()]

    def read_accounts(self, ids: Sequence[int]) -> Iterator[Account]:
        """Yield the accounts with these primary keys, in this order, as a stream."""
        # Without the platform's app ``student``, there are no profiles.
        has_profiles = any(field.name == "profile" for field in self._users.model._meta.get_fields())
        columns = [*Row._fields, "last_login", "profile__meta" if has_profiles else Value(""), "groups__name"]
        for chunk in chunks(ids):
            rows = self._users.filter(pk__in=chunk).order_by("pk").values_list(*columns)
            accounts = {}
            for account, memberships in groupby(rows, key=lambda row: row[:-1]):
                username, pk, is_active, is_staff, is_superuser, last_login, meta = account
                rules = tuple(matching_rules(username, (group for *_, group in memberships)))
                accounts[pk] = Account(
                    pk, username, rules, is_active, is_staff, is_superuser, last_login, _has_session_on_record(meta)
                )
            yield from (accounts[pk] for pk in chunk if pk in accounts)

    @cached_property
    def findings(self) -> list[Finding]:
        """The findings in the settings and in the database, without those that SILENCED_SYSTEM_CHECKS silences."""
        return [finding for finding in self._all_findings if not is_silenced(finding)]

    @cached_property
    def silenced(self) -> int:
        """How many findings are silenced."""
        return len(self._all_findings) - len(self.findings)

    def find_in_database(self) -> list[Finding]:
        """Return the findings about names and accounts, silenced or not."""
        unmatched = (finding for kind in NAME_KINDS for finding in self._find_unmatched(kind))
        return [*unmatched, *self._find_risky(), *self._find_large_groups()]

    def find_matches(self, wanted: str) -> list[Match]:
        """Return the accounts whose username, primary key or e-mail address is ``wanted``, in this order."""
        found: dict[int, str] = {}
        for field, condition in _conditions(wanted).items():
            for pk, value in fetch(self._users.filter(condition).order_by("pk").values_list("pk", field)) or ():
                # A database may find a username that differs in case.
                if field != "username" or value == wanted:
                    found.setdefault(pk, field)
        matches = []
        for account in self.read_accounts(list(found)):
            how = f"Found by its {FOUND_BY[found[account.id]]}: " if len(found) > 1 else ""
            matches.append(Match(found[account.id], account, how + _sentence(account)))
        return matches

    def suggest(self, wanted: str) -> str:
        """Return the usernames that may have been meant by ``wanted``, in a sentence."""
        return _hint(wanted, self._users, "username")

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the accounts, ready for JSON."""
        return {
            **describe_settings(),
            "settings": {setting: sorted(names) for setting, names in self._names.items()},
            "exempt_accounts": len(self._exempt),
            "findings": [asdict(finding) for finding in self.findings],
            "silenced": self.silenced,
        }

    @cached_property
    def _all_findings(self) -> list[Finding]:
        return [*find_settings_findings(), *self.find_in_database()]

    @cached_property
    def _lookups(self) -> dict[str, Lookup]:
        """The accounts and the groups that the settings name, by setting."""
        users, groups = self._users.values_list(*Row._fields), self._groups.values_list("name", "pk")
        return {
            USERNAMES: look_up(users, "username", self._names[USERNAMES]),
            GROUPS: look_up(groups, "name", self._names[GROUPS]),
        }

    @cached_property
    def _exempt(self) -> list[Row]:
        found = {row.pk: row for row in map(Row._make, self._lookups[USERNAMES].found.values())}
        for chunk in chunks(self._group_ids):
            members = self._users.filter(groups__in=chunk).values_list(*Row._fields).iterator()
            found.update((row.pk, row) for row in map(Row._make, members))
        return sorted(found.values(), key=lambda row: row.username)

    @property
    def _group_ids(self) -> list[int]:
        return [pk for _, pk in sorted(self._lookups[GROUPS].found.values())]

    def _find_unmatched(self, kind: NameKind) -> Iterator[Finding]:
        """Yield a finding for each of the first configured names that match nothing, and one for the others."""
        lookup = self._lookups[kind.setting]
        names = sorted(self._names[kind.setting] - lookup.found.keys())
        for name in names[:MAX_NAMED]:
            if name in lookup.not_storable:
                problem = f"no {kind.noun}: the column {kind.column!r} of the database cannot hold its characters."
                hint = f"{kind.remedy} {EXACT}"
            else:
                problem = f"no {kind.noun}. {kind.consequence}".rstrip()
                hint = _hint(name, self._rows[kind.setting], kind.column, kind.remedy)
            yield Finding(kind.id, f"{kind.setting}: {name!r} matches {problem}", hint, kind.setting, name)
        if count := len(names[MAX_NAMED:]):
            message = f"{kind.setting}: {count} more names match no {kind.noun}. {kind.consequence}".rstrip()
            hint = "The first names are listed one by one. Correct or remove those first."
            yield Finding(kind.id, message, hint, kind.setting, count=count)

    def _find_risky(self) -> Iterator[Finding]:
        for risk in RISKS:
            names = [row.username for row in self._exempt if getattr(row, risk.column) == risk.value]
            if names:
                first = tuple(names[:MAX_NAMED])
                rest = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
                message = f"Exempt accounts that are {risk.noun}: {len(names)} ({', '.join(map(repr, first))}{rest})."
                yield Finding(risk.id, message, risk.hint, count=len(names), accounts=first)

    def _find_large_groups(self) -> Iterator[Finding]:
        for chunk in chunks(self._group_ids):
            groups = self._groups.filter(pk__in=chunk).order_by("name")
            for name, count in groups.values_list("name", Count("user")):
                if count > self.large_group:
                    message = f"{GROUPS}: the group {name!r} exempts {count} accounts, more than {self.large_group}."
                    hint = "Prefer a group made for services, with nobody else in it."
                    yield Finding("single_login.W016", message, hint, GROUPS, name, count)


def describe_settings() -> dict[str, Any]:
    """Return the fields that each JSON answer starts with: whether the settings are in force, and where they are."""
    reasons = why_not_in_force()
    return {
        "version": JSON_VERSION,
        "in_force": not reasons,
        "not_in_force_because": reasons,
        "app_version": __version__,
        "settings_module": settings_module(),
        "settings_file": settings_file(),
        "protection": is_protection_on(),
        "check_every_request": is_every_request_checked(),
    }


def _conditions(wanted: str) -> dict[str, Q]:
    """Return how to look for an account that somebody calls ``wanted``, by field."""
    conditions = {"username": Q(username=wanted)}
    if re.fullmatch(rf"[0-9]{{1,{LONGEST_NUMBER}}}", wanted):
        conditions["id"] = Q(pk=int(wanted))
    if wanted:
        conditions["email"] = Q(email__iexact=wanted)
    return conditions


def _has_session_on_record(meta: str | None) -> bool:
    try:
        return bool(parse_meta(meta or "").get(META_KEY))
    except ValueError:
        return False


def _hint(name: str, rows: QuerySet[Any], column: str, otherwise: str = "") -> str:
    """Return the names that ``name`` was probably meant to be, or what to do ``otherwise``."""
    wanted = unicodedata.normalize("NFKC", name).strip()
    alike = Q(**{f"{column}__istartswith": wanted[:2]}) | Q(**{f"{column}__iendswith": wanted[-2:]})
    candidates = fetch(rows.filter(alike).order_by(column).values_list(column, flat=True)[:MAX_CANDIDATES]) or []
    closest = get_close_matches(wanted.casefold(), map(str.casefold, candidates), n=1)
    # Several names may differ by case alone: suggest all of them.
    meant = [found for found in candidates if found.casefold() in closest]
    if not meant:
        return f"{otherwise} {EXACT}".strip()
    differences = dict.fromkeys(difference for found in meant for difference in describe_differences(name, found))
    return " ".join([f"Did you mean {' or '.join(map(repr, meant))}?", *differences, EXACT])


def _sentence(account: Account) -> str:
    name = repr(account.username)
    if obstacles := find_obstacles():
        matched = f"{name} matches {_join_rules(account.rules) or 'no rule'}."
        return " ".join([matched, *(obstacle.message for obstacle in obstacles)])
    if account.rules:
        return f"{name} is exempt, by {_join_rules(account.rules)}: no login evicts its sessions."
    groups = ", ".join(map(repr, sorted(get_exemptions()[GROUPS])))
    by_group = f"a member of an exempt group ({groups})" if groups else f"a member of a group that {GROUPS} names"
    return (
        f"{name} is not exempt: its next login evicts its session on record. "
        f"It would be exempt as {by_group}, or if {USERNAMES} named it."
    )


def _join_rules(rules: Sequence[Rule]) -> str:
    return " and by ".join(map(str, rules))
