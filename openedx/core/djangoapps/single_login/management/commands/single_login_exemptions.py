"""``./manage.py lms single_login_exemptions``: who is exempt from single login, why, and what needs attention."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...exemptions import is_protection_on
from ...operators.report import LARGE_GROUP, VERSION, Account, Report
from ...operators.terminal import render_accounts, render_finding

PROGRESS_STEP = 10_000


class Command(BaseCommand):
    """Read-only: nothing is changed, and no session key is shown."""

    help = "Shows the accounts that are exempt from single login, the rules that exempt them, and what needs attention."
    # The report holds everything that the checks would say.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--user", metavar="NAME", help="explain one account, exempt or not, in a sentence")
        scope.add_argument("--check", action="store_true", help="exit 1 and say why if something needs attention")
        parser.add_argument("--format", choices=["table", "json"], default="table", help="table (default) or json")
        parser.add_argument(
            "--large-group",
            metavar="N",
            type=int,
            default=LARGE_GROUP,
            help="report exempt groups of more than N members (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report, or the part of it that was asked for."""
        report = Report(large_group=options["large_group"])
        as_json = options["format"] == "json"
        if options["user"] is not None:
            self._explain(report, options["user"], as_json)
        elif options["check"]:
            self._check(report, as_json)
        elif as_json:
            self._print_json(report)
        else:
            self._print_table(report)

    def _explain(self, report: Report, username: str, as_json: bool) -> None:
        explained = report.explain(username)
        if explained is None:
            raise CommandError(f"No account is named {username!r}. {report.suggest(username)}")
        account, sentence = explained
        if as_json:
            answer = {
                "version": VERSION,
                "protection": is_protection_on(),
                "account": account.as_dict(),
                "explanation": sentence,
            }
            sentence = json.dumps(answer, indent=2)
        self.stdout.write(sentence)

    def _check(self, report: Report, as_json: bool) -> None:
        if not report.findings:
            return
        if as_json:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            self._print_findings(report)
        sys.exit(1)

    def _print_json(self, report: Report) -> None:
        # Written as it is read: the accounts may be many.
        self.stdout.write(json.dumps(report.as_dict(), indent=2)[:-2] + ',\n  "accounts": [', ending="")
        separator = "\n    "
        for account in self._accounts(report):
            self.stdout.write(separator + json.dumps(account.as_dict()), ending="")
            separator = ",\n    "
        self.stdout.write("\n  ]\n}")

    def _print_table(self, report: Report) -> None:
        state = "on: one session per account" if is_protection_on() else "off: any number of sessions per account"
        self.stdout.write(f"The protection is {state}.")
        self.stdout.write(f"Exempt accounts: {report.exempt_users().count()}\n")
        for lines in render_accounts(self._accounts(report), self.stdout.isatty()):
            self.stdout.write(lines)
        self._print_findings(report)

    def _print_findings(self, report: Report) -> None:
        self.stdout.write(f"\nFindings: {len(report.findings)}")
        for finding in report.findings:
            self.stdout.write(render_finding(finding))

    def _accounts(self, report: Report) -> Iterator[Account]:
        shows_progress = self.stderr.isatty()
        for number, account in enumerate(report.read_accounts(report.exempt_users()), start=1):
            if shows_progress and number % PROGRESS_STEP == 0:
                self.stderr.write(f"{number} accounts ...")
            yield account
