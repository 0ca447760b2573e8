"""What looks wrong in the settings themselves, however usable they are. Nothing here reads the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .exemptions import GROUPS, USERNAMES, configured, find_faults, is_protection_on

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

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


def find_settings_findings() -> list[Finding]:
    """Return what the settings alone show; nothing when they are faulty, for then the process refuses to start."""
    if find_faults():
        return []
    entries = (finding for setting in (USERNAMES, GROUPS) for finding in _in_entries(setting))
    return [*entries, *_without_protection()]


def _in_entries(setting: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for position, name in enumerate(configured(setting), start=1):
        for number, problem, hint in _problems(name):
            yield Finding(number, f"{setting}: entry {position}, {name!r}, {problem}.", hint, setting, name)
        if name in seen:
            problem = f"{setting}: entry {position}, {name!r}, is there twice."
            yield Finding("single_login.W005", problem, "Remove one of the two.", setting, name)
        seen.add(name)


def _problems(name: str) -> Iterator[tuple[str, str, str]]:
    if name != name.strip():
        yield "single_login.W001", "begins or ends with white space", f"{EXACT} Write {name.strip()!r}."
    if WILDCARDS.intersection(name):
        hint = f"{EXACT} There are no patterns: write every name in full, or use a group."
        yield "single_login.W002", "holds a wildcard character", hint
    if "," in name:
        yield "single_login.W003", "holds a comma", f"{EXACT} Write one name in each entry."
    if len(name) > MAX_LENGTH:
        hint = f"No account and no group can have a name of more than {MAX_LENGTH} characters. Correct or remove it."
        yield "single_login.W004", f"is {len(name)} characters long", hint


def _without_protection() -> Iterator[Finding]:
    if not is_protection_on() and any(configured(setting) for setting in (USERNAMES, GROUPS)):
        yield Finding(
            "single_login.W006",
            f"{USERNAMES} or {GROUPS} exempts accounts, but FEATURES['PREVENT_CONCURRENT_LOGINS'] is off: "
            "every account may hold any number of sessions.",
            "Turn the protection on, or remove the exemptions.",
        )
