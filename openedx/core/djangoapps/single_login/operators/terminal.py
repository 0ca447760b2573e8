"""The report as a person reads it in a terminal, or in what a terminal's output was sent to."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from ..exemptions import GROUPS, USERNAMES
from .checks import Finding
from .report import Account

COLUMNS = ["Account", "Exempt by", "Last login", "Notes"]
# Shorter than the settings' own names, which would fill a terminal.
KINDS = {USERNAMES: "username", GROUPS: "group"}
# How many accounts the columns are as wide as. All of them would have to be held at once.
MEASURED = 500
GAP = "  "


def printable(text: str) -> str:
    """Return ``text`` with everything escaped that a terminal would obey or hide instead of showing."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def render_accounts(accounts: Iterable[Account], width: int | None) -> Iterator[str]:
    """
    Yield a table in lines: one for each account, under one header.

    Where that is wider than the terminal's ``width`` the accounts stand one below the other instead, with a line for
    each column. ``width`` is None where there is no terminal: a line stays a line then, however long, for grep.
    """
    rows = map(_cells, accounts)
    measured = [COLUMNS, *islice(rows, MEASURED)]
    if len(measured) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*measured, strict=True)]
    if width is not None and sum(widths) + len(GAP) * (len(COLUMNS) - 1) > width:
        for account, *facts in chain(measured[1:], rows):
            yield "\n".join(
                [account, *(f"{GAP}{name}: {fact}" for name, fact in zip(COLUMNS[1:], facts, strict=True) if fact)]
            )
    else:
        for row in chain(measured, rows):
            yield GAP.join(map(str.ljust, row, widths)).rstrip()


def render_finding(finding: Finding) -> str:
    """Return a finding in the lines of a system check."""
    return f"{finding.id}: {printable(finding.message)}\n    HINT: {printable(finding.hint)}"


def _cells(account: Account) -> list[str]:
    notes = {
        "inactive": not account.is_active,
        "staff": account.is_staff,
        "superuser": account.is_superuser,
        "session recorded": account.has_recorded_session,
    }
    return [
        printable(account.username),
        printable(", ".join(f"{KINDS[rule.setting]} {rule.name}" for rule in account.rules)),
        f"{account.last_login:%Y-%m-%d %H:%M %Z}" if account.last_login else "never",
        ", ".join(note for note, is_so in notes.items() if is_so),
    ]
