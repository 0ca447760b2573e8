"""The report as a person reads it in a terminal, or in what a terminal's output was sent to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ..exemptions import GROUPS, USERNAMES
from .findings import Finding
from .report import Account

COLUMNS = ["Account", "Exempt by", "Active", "Staff", "Superuser", "Last login", "Session recorded"]
# Shorter than the settings' own names, which would fill a terminal.
KINDS = {USERNAMES: "username", GROUPS: "group"}
ROWS = 500


def printable(text: str) -> str:
    """Return ``text`` with everything escaped that a terminal would obey or hide instead of showing."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def render_accounts(accounts: Iterable[Account], is_terminal: bool) -> Iterator[str]:
    """
    Yield the table in pieces of ``ROWS`` rows, so that it takes no more memory for many accounts than for few.

    Where there is no terminal each account is one line, however long: for grep.
    """
    draw = _draw if is_terminal else _align
    remaining = iter(accounts)
    while batch := list(islice(remaining, ROWS)):
        yield draw([_cells(account) for account in batch])


def render_finding(finding: Finding) -> str:
    """Return a finding in the lines of a system check."""
    return f"{finding.id}: {printable(finding.message)}\n    HINT: {printable(finding.hint)}"


def _draw(rows: list[list[str]]) -> str:
    # Imported here: a pipeline, which has no terminal, does without it.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(force_terminal=True)
    table = Table(*COLUMNS, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def _align(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in [COLUMNS, *rows])
    return "\n".join(lines)


def _cells(account: Account) -> list[str]:
    return [
        printable(account.username),
        printable(", ".join(f"{KINDS[rule.setting]} {rule.name}" for rule in account.rules)),
        _yes_or_no(account.is_active),
        _yes_or_no(account.is_staff),
        _yes_or_no(account.is_superuser),
        f"{account.last_login:%Y-%m-%d %H:%M %Z}" if account.last_login else "never",
        _yes_or_no(account.has_recorded_session),
    ]


def _yes_or_no(is_so: bool) -> str:
    return "yes" if is_so else "no"
