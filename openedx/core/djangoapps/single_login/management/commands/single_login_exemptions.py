"""``./manage.py lms single_login_exemptions``: who is exempt from single login, why, and what needs attention."""

import io
import json
import os
import shutil
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error

from ...exemptions import is_protection_on
from ...operators.report import LARGE_GROUP, VERSION, Report
from ...operators.terminal import printable, render_accounts, render_finding

COULD_NOT_LOOK = 2


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
            help="report exempt groups of more than N members, 1 or more (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report, or the part of it that was asked for."""
        if options["large_group"] < 1:
            raise CommandError("--large-group takes 1 and more.", returncode=COULD_NOT_LOOK)
        if os.environ.get("NO_COLOR"):
            self.stderr.style_func = None
        if sys.stdout is None and options.get("stdout") is None:
            # It was closed. What this command finds, its exit code says all the same.
            self.stdout = OutputWrapper(io.StringIO())
        try:
            is_well = self._report(**options)
            self.stdout.flush()
        except Error as error:
            reason = printable(f"The database could not be read: {error}")
            raise CommandError(reason, returncode=COULD_NOT_LOOK) from error
        except BrokenPipeError:
            # Whoever read this has read enough; what is still in the buffer has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(COULD_NOT_LOOK)
        if not is_well:
            sys.exit(1)

    def _report(self, user: str | None, check: bool, large_group: int, **options: Any) -> bool:
        """Print what was asked for; return False if ``--check`` found something."""
        report = Report(large_group=large_group)
        as_json = options["format"] == "json"
        if user is not None:
            self._explain(report, user, as_json)
        elif as_json:
            self._print_json(report, with_accounts=not check)
        else:
            if not check:
                self._print_accounts(report)
            if report.findings or not check:
                self._print_findings(report)
        return not (check and report.findings)

    def _explain(self, report: Report, username: str, as_json: bool) -> None:
        try:
            account, sentence = report.explain(username)
        except UnicodeEncodeError as error:
            raise CommandError(f"--user is not text: {username!r}", returncode=COULD_NOT_LOOK) from error
        if account is None:
            raise CommandError(printable(sentence))
        answer = {"protection": is_protection_on(), "account": asdict(account), "explanation": sentence}
        as_text = json.dumps({"version": VERSION, **answer}, indent=2, cls=DjangoJSONEncoder)
        self.stdout.write(as_text if as_json else printable(sentence))

    def _print_json(self, report: Report, with_accounts: bool) -> None:
        whole = json.dumps(report.as_dict(), indent=2)
        if not with_accounts:
            self.stdout.write(whole)
            return
        # Written as it is read: the accounts may be many.
        self.stdout.write(whole.removesuffix("\n}") + ',\n  "accounts": [', ending="")
        separator = "\n    "
        for account in report.read_accounts(report.exempt_users()):
            self.stdout.write(separator + json.dumps(asdict(account), cls=DjangoJSONEncoder), ending="")
            separator = ",\n    "
        self.stdout.write("\n  ]\n}")

    def _print_accounts(self, report: Report) -> None:
        state = "on: one session per account" if is_protection_on() else "off: any number of sessions per account"
        self.stdout.write(f"The protection is {state}.")
        self.stdout.write(f"Exempt accounts: {report.exempt_users().count()}\n")
        width = shutil.get_terminal_size().columns if self.stdout.isatty() else None
        for lines in render_accounts(report.read_accounts(report.exempt_users()), width):
            self.stdout.write(lines)

    def _print_findings(self, report: Report) -> None:
        self.stdout.write(f"\nFindings: {len(report.findings)}")
        for finding in report.findings:
            self.stdout.write(render_finding(finding))
