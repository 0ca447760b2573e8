"""``./manage.py lms single_login_exemptions``: who is exempt from single login, why, and what needs attention."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error

from ...exemptions import GROUPS, USERNAMES, is_every_request_checked, is_protection_on
from ...operators.concurrent_sessions import NoListOfSessionsError, count_concurrent_sessions
from ...operators.findings import settings_file, settings_module
from ...operators.in_force import describe_force
from ...operators.report import LARGE_GROUP, Account, Report, describe_settings

NO_REPORT = 2
# Aligned for names of ordinary length. A longer one moves the rest of its line.
TABLE_LINE = "{:<24}  {:<32}  {:<20}  {}"
# Shorter than the settings' own names, which would fill a terminal.
KINDS = {USERNAMES: "username", GROUPS: "group"}


class Command(BaseCommand):
    """Read-only: nothing is changed, and no session key is shown."""

    help = (
        "Shows the accounts that are exempt from single login, the rules that exempt them, and what needs attention. "
        "Exits 1 if --check finds something, or if --user matches no account; 2 if the database could not be read, the "
        "report could not be written to its end, the session engine keeps no list, or an option is wrong."
    )
    # The report holds everything that the system checks of this app would say.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument(
            "--user",
            metavar="NAME",
            help="explain whether an account is exempt and why: by username, e-mail address or number (user.id)",
        )
        scope.add_argument("--check", action="store_true", help="exit 1 and say why if something needs attention")
        scope.add_argument(
            "--concurrent-sessions",
            action="store_true",
            help="list the accounts with more than one accepted session, and say which of them are exempt",
        )
        parser.add_argument("--format", choices=["table", "json"], default="table", help="table (default) or json")
        size = "report exempt groups of more than N members, 1 or more (default: %(default)s)"
        parser.add_argument("--large-group", metavar="N", type=int, default=LARGE_GROUP, help=size)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report, or the part of it that was asked for."""
        if options["large_group"] < 1:
            raise CommandError("--large-group must be 1 or more.", returncode=NO_REPORT)
        if options.get("stdout") is None and sys.stdout is None:
            raise CommandError("The report could not be written: its output is closed.", returncode=NO_REPORT)
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Escape the characters of a name that the terminal's encoding lacks.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            is_well = self._report(**options)
            self.stdout.flush()
        except Error as error:
            reason = _printable(f"The database could not be read: {error}")
            raise CommandError(reason, returncode=NO_REPORT) from error
        except NoListOfSessionsError as error:
            raise CommandError(str(error), returncode=NO_REPORT) from error
        except OSError as error:
            # Close it with what it still holds, or Python would write that when it exits, and fail again.
            with contextlib.suppress(OSError):
                sys.stdout.close()
            if isinstance(error, BrokenPipeError):
                # The reader closed the pipe.
                sys.exit(NO_REPORT)
            raise CommandError(f"The report could not be written: {error}", returncode=NO_REPORT) from error
        if not is_well:
            sys.exit(1)

    def _report(self, user: str | None, check: bool, concurrent_sessions: bool, **options: Any) -> bool:
        """Print what was asked for; return False if ``--check`` found something."""
        report = Report(large_group=options["large_group"])
        as_json = options["format"] == "json"
        if not as_json:
            self._print_head()
        if user is not None:
            self._explain(report, user, as_json)
        elif concurrent_sessions:
            self._print_concurrent(report, as_json)
        elif check and as_json:
            self._print_json(report.as_dict())
        elif as_json:
            self._print_everything(report)
        else:
            if not check:
                self._print_table(report)
            self._print_findings(report)
        return not (check and report.findings)

    def _print_head(self) -> None:
        """Print whether the settings of this app are in force, and from where they were read."""
        for sentence in describe_force():
            self.stdout.write(_printable(sentence))
        read = f"file {settings_file()}" if settings_file() else "no settings file"
        self.stdout.write(_printable(f"Settings: module {settings_module()}, {read}."))

    def _explain(self, report: Report, wanted: str, as_json: bool) -> None:
        try:
            matches = report.find_matches(wanted)
            if not matches:
                problem = f"No account has the username, e-mail address or number {wanted!r}. {report.suggest(wanted)}"
                raise CommandError(_printable(problem))
        except UnicodeEncodeError as error:
            raise CommandError(f"--user is not text: {wanted!r}", returncode=NO_REPORT) from error
        if as_json:
            first, *others = (asdict(match) for match in matches)
            self._print_json({**describe_settings(), **first, "others": others})
        else:
            for match in matches:
                self.stdout.write(_printable(match.explanation))

    def _print_concurrent(self, report: Report, as_json: bool) -> None:
        """Print the accounts with more than one accepted session, those with the most first."""
        counts = dict(count_concurrent_sessions().most_common())
        accounts = report.read_accounts(list(counts))
        if as_json:
            listed = [{**asdict(account), "sessions": counts[account.id]} for account in accounts]
            self._print_json({**describe_settings(), "accounts": listed})
            return
        number = exempt = 0
        self.stdout.write(TABLE_LINE.format("Account", "Exempt by", "Last login", "Sessions"))
        for account in accounts:
            number += 1
            exempt += bool(account.rules)
            self.stdout.write(_line(account, str(counts[account.id])))
        self.stdout.write(f"Accounts with more than one accepted session: {number}. Exempt: {exempt}.")

    def _print_json(self, answer: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(answer, indent=2, cls=DjangoJSONEncoder))

    def _print_everything(self, report: Report) -> None:
        # Written as it is read: the accounts may be many.
        self.stdout.write(json.dumps(report.as_dict(), indent=2)[:-2] + ',\n  "accounts": [', ending="")
        separator = "\n    "
        encoder = DjangoJSONEncoder()
        for account in report.read_accounts(report.exempt_ids()):
            self.stdout.write(separator + encoder.encode(asdict(account)), ending="")
            separator = ",\n    "
        self.stdout.write("\n  ]\n}")

    def _print_table(self, report: Report) -> None:
        level = "check at every request" if is_every_request_checked() else "exempt only"
        on = f"on: one session per account. Level: {level}"
        off = "off: any number of sessions per account"
        self.stdout.write(f"The protection is {on if is_protection_on() else off}.")
        ids = report.exempt_ids()
        self.stdout.write(f"Exempt accounts: {len(ids)}\n")
        if ids:
            self.stdout.write(TABLE_LINE.format("Account", "Exempt by", "Last login", "Notes"))
        for account in report.read_accounts(ids):
            self.stdout.write(_line(account, ", ".join(_notes(account))))
        self.stdout.write()

    def _print_findings(self, report: Report) -> None:
        self.stdout.write(f"Findings: {len(report.findings)} ({report.silenced} silenced)")
        for finding in report.findings:
            message, hint = _printable(finding.message), _printable(finding.hint)
            self.stdout.write(f"{finding.id}: {message}\n    HINT: {hint}")


def _printable(text: str) -> str:
    """Return ``text`` with each character escaped that a terminal would obey or hide instead of showing it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _line(account: Account, last: str) -> str:
    rules = ", ".join(f"{KINDS[rule.setting]} {rule.name}" for rule in account.rules)
    last_login = f"{account.last_login:%Y-%m-%d %H:%M %Z}" if account.last_login else "never"
    return TABLE_LINE.format(_printable(account.username), _printable(rules), last_login, last).rstrip()


def _notes(account: Account) -> Iterator[str]:
    notes = {
        "inactive": not account.is_active,
        "staff": account.is_staff,
        "superuser": account.is_superuser,
        "session on record": account.has_session_on_record,
    }
    return (note for note, is_so in notes.items() if is_so)
