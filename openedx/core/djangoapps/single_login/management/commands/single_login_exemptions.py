"""``./manage.py lms single_login_exemptions``: who is exempt from single login, why, and what needs attention."""

import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain, islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error

from ...exemptions import GROUPS, USERNAMES, is_protection_on
from ...operators.report import LARGE_GROUP, VERSION, Account, Report

COULD_NOT_LOOK = 2
COLUMNS = ["Account", "Exempt by", "Last login", "Notes"]
# Shorter than the settings' own names, which would fill a terminal.
KINDS = {USERNAMES: "username", GROUPS: "group"}
# How many accounts the columns are as wide as. All of them would have to be held at once.
MEASURED = 500
GAP = "  "


class Command(BaseCommand):
    """Read-only: nothing is changed, and no session key is shown."""

    help = (
        "Shows the accounts that are exempt from single login, the rules that exempt them, and what needs attention. "
        "Exits 1 if --check finds something, or if no account has the name that --user gives; 2 if the database could "
        "not be read, nobody read the report to its end, or an option is wrong."
    )
    # The report holds everything that the checks would say.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--user", metavar="NAME", help="explain one account, exempt or not, in a sentence")
        scope.add_argument("--check", action="store_true", help="exit 1 and say why if something needs attention")
        parser.add_argument("--format", choices=["table", "json"], default="table", help="table (default) or json")
        size = "report exempt groups of more than N members, 1 or more (default: %(default)s)"
        parser.add_argument("--large-group", metavar="N", type=int, default=LARGE_GROUP, help=size)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report, or the part of it that was asked for."""
        if os.environ.get("NO_COLOR"):
            self.stderr.style_func = None
        if options["large_group"] < 1:
            raise CommandError("--large-group takes 1 and more.", returncode=COULD_NOT_LOOK)
        if options.get("stdout") is None:
            if sys.stdout is None:
                # It was closed. What this command finds, its exit code says all the same.
                self.stdout = OutputWrapper(io.StringIO())
            elif isinstance(sys.stdout, io.TextIOWrapper):
                # Names are shown as far as the terminal can.
                sys.stdout.reconfigure(errors="backslashreplace")
        try:
            is_well = self._report(**options)
            self.stdout.flush()
        except Error as error:
            reason = _printable(f"The database could not be read: {error}")
            raise CommandError(reason, returncode=COULD_NOT_LOOK) from error
        except OSError as error:
            # What is still in the buffer has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                # Whoever read this has read enough.
                sys.exit(COULD_NOT_LOOK)
            raise CommandError(f"The report could not be written: {error}", returncode=COULD_NOT_LOOK) from error
        if not is_well:
            sys.exit(1)

    def _report(self, user: str | None, check: bool, large_group: int, **options: Any) -> bool:
        """Print what was asked for; return False if ``check`` found something."""
        report = Report(large_group=large_group)
        as_json = options["format"] == "json"
        if user is not None:
            self._explain(report, user, as_json)
        elif check and as_json:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        elif as_json:
            self._print_json(report)
        elif check and report.findings:
            self._print_findings(report)
        elif not check:
            self._print_table(report)
        return not (check and report.findings)

    def _explain(self, report: Report, username: str, as_json: bool) -> None:
        try:
            account, sentence = report.explain(username)
        except UnicodeEncodeError as error:
            raise CommandError(f"--user is not text: {username!r}", returncode=COULD_NOT_LOOK) from error
        if account is None:
            raise CommandError(_printable(sentence))
        shown = {"protection": is_protection_on(), "account": asdict(account), "explanation": sentence}
        answer = json.dumps({"version": VERSION, **shown}, indent=2, cls=DjangoJSONEncoder)
        self.stdout.write(answer if as_json else _printable(sentence))

    def _print_json(self, report: Report) -> None:
        # Written as it is read: the accounts may be many.
        self.stdout.write(json.dumps(report.as_dict(), indent=2)[:-2] + ',\n  "accounts": [', ending="")
        separator = "\n    "
        for account in report.read_accounts(report.exempt_users()):
            self.stdout.write(separator + json.dumps(asdict(account), cls=DjangoJSONEncoder), ending="")
            separator = ",\n    "
        self.stdout.write("\n  ]\n}")

    def _print_table(self, report: Report) -> None:
        state = "on: one session per account" if is_protection_on() else "off: any number of sessions per account"
        self.stdout.write(f"The protection is {state}.")
        self.stdout.write(f"Exempt accounts: {report.exempt_users().count()}\n")
        width = shutil.get_terminal_size().columns if self.stdout.isatty() else None
        for lines in _render_accounts(report.read_accounts(report.exempt_users()), width):
            self.stdout.write(lines)
        self.stdout.write()
        self._print_findings(report)

    def _print_findings(self, report: Report) -> None:
        self.stdout.write(f"Findings: {len(report.findings)}")
        for finding in report.findings:
            message, hint = _printable(finding.message), _printable(finding.hint)
            self.stdout.write(f"{finding.id}: {message}\n    HINT: {hint}")


def _printable(text: str) -> str:
    """Return ``text`` with everything escaped that a terminal would obey or hide instead of showing."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _render_accounts(accounts: Iterable[Account], width: int | None) -> Iterator[str]:
    """
    Yield a line for each account under one header, or a line for each column where the terminal's ``width`` is less.

    ``width`` is None where there is no terminal: a line stays a line then, however long, for grep.
    """
    rows = map(_cells, accounts)
    measured = [COLUMNS, *islice(rows, MEASURED)]
    if len(measured) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*measured, strict=True)]
    if width is not None and sum(widths) + len(GAP) * (len(COLUMNS) - 1) > width:
        for account, *facts in chain(measured[1:], rows):
            lines = (f"{GAP}{name}: {fact}" for name, fact in zip(COLUMNS[1:], facts, strict=True) if fact)
            yield "\n".join([account, *lines])
    else:
        for row in chain(measured, rows):
            yield GAP.join(map(str.ljust, row, widths)).rstrip()


def _cells(account: Account) -> list[str]:
    notes = {
        "inactive": not account.is_active,
        "staff": account.is_staff,
        "superuser": account.is_superuser,
        "session recorded": account.has_recorded_session,
    }
    return [
        _printable(account.username),
        _printable(", ".join(f"{KINDS[rule.setting]} {rule.name}" for rule in account.rules)),
        f"{account.last_login:%Y-%m-%d %H:%M %Z}" if account.last_login else "never",
        ", ".join(note for note, is_so in notes.items() if is_so),
    ]
