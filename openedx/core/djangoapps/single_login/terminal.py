"""The report as a person reads it in a terminal, or in what a terminal's output was sent to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .findings import Finding
from .report import Account

COLUMNS = ["Account", "Exempt by", "Active", "Staff", "Superuser", "Last login", "Session recorded"]
ROWS = 500
# Nothing is wrapped where there is no terminal: one line for each account, for grep.
UNLIMITED = 10_000


def printable(text: str) -> str:
    """Return ``text`` with everything escaped that a terminal would obey or hide instead of showing."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def render_accounts(accounts: Iterable[Account], is_terminal: bool) -> Iterator[str]:
    """Yield the table in pieces of ``ROWS`` rows: as pretty as the terminal allows, plain where there is none."""
    console = Console(
        force_terminal=is_terminal,
        color_system="auto" if is_terminal else None,
        width=None if is_terminal else UNLIMITED,
    )
    remaining = iter(accounts)
    while batch := list(islice(remaining, ROWS)):
        table = Table(box=box.SIMPLE_HEAD if is_terminal else None, pad_edge=False)
        for column in COLUMNS:
            table.add_column(column, overflow="fold")
        for account in batch:
            table.add_row(*map(Text, _cells(account)))
        with console.capture() as captured:
            console.print(table)
        yield "\n".join(line.rstrip() for line in captured.get().splitlines())


def render_finding(finding: Finding) -> str:
    """Return a finding in the lines of a system check."""
    return f"{finding.id}: {printable(finding.message)}\n    HINT: {printable(finding.hint)}"


def _cells(account: Account) -> list[str]:
    return [
        printable(account.username),
        printable(", ".join(map(str, account.rules))),
        _yes_or_no(account.is_active),
        _yes_or_no(account.is_staff),
        _yes_or_no(account.is_superuser),
        f"{account.last_login:%Y-%m-%d %H:%M %Z}" if account.last_login else "never",
        _yes_or_no(account.has_recorded_session),
    ]


def _yes_or_no(is_so: bool) -> str:
    return "yes" if is_so else "no"
