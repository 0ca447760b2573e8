"""``./manage.py lms single_login_exemptions``."""

import io
import json
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import ddt
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import SimpleTestCase, TestCase, override_settings

from common.djangoapps.student.tests.factories import UserFactory

from .single_login_cases import protection
from .test_report import create_members

USERNAMES, GROUPS = "SINGLE_LOGIN_EXEMPT_USERNAMES", "SINGLE_LOGIN_EXEMPT_GROUPS"
REPO_ROOT = Path(__file__).resolve().parents[5]
# An account where the terminal has no room for a table.
NARROW = ["xqwatcher", "  Exempt by: group xqueue", "  Last login: never", "  Notes: session recorded"]


class Terminal(io.StringIO):
    """What a person sits in front of."""

    def isatty(self):
        return True


def run(*args, stdout=None, **options):
    """Run the command; return what it printed."""
    stdout = stdout or io.StringIO()
    call_command("single_login_exemptions", *args, stdout=stdout, **options)
    return stdout.getvalue()


@ddt.ddt
@override_settings(**{GROUPS: ["xqueue"]})
class ExemptionsCommandTest(TestCase):
    """What is printed, and how the process ends."""

    def setUp(self):
        super().setUp()
        self.user = UserFactory(username="xqwatcher", groups=["xqueue"])
        self.user.profile.set_login_session("the-session-key")

    def test_the_table_names_account_rule_and_facts_on_one_line(self):
        (line,) = [line for line in run().splitlines() if line.startswith("xqwatcher")]
        assert line == "xqwatcher  group xqueue  never       session recorded"

    def test_the_table_says_when_an_account_signed_in_and_what_is_risky_about_it(self):
        facts = {"is_active": False, "is_staff": True, "is_superuser": True}
        UserFactory(
            username="robot", groups=["xqueue"], last_login=datetime(2026, 11, 2, 8, 30, 59, tzinfo=UTC), **facts
        )
        (line,) = [line for line in run().splitlines() if line.startswith("robot")]
        assert line.endswith("2026-11-02 08:30 UTC  inactive, staff, superuser")

    def test_a_long_name_stays_on_one_line_where_there_is_no_terminal(self):
        UserFactory(username="x" * 150, groups=["xqueue"])
        assert "x" * 150 in run()

    def test_many_accounts_have_one_header(self):
        create_members(1100)
        lines = run().splitlines()
        assert len([line for line in lines if line.startswith("Account")]) == 1
        assert len([line for line in lines if "  group xqueue  " in line]) == 1101

    @ddt.data((80, ["xqwatcher  group xqueue  never       session recorded"]), (40, NARROW))
    @ddt.unpack
    def test_a_terminal_gets_the_table_or_where_that_is_too_wide_each_account_in_lines(self, width, expected):
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("COLUMNS", str(width))
            lines = run(stdout=Terminal()).splitlines()
        position = lines.index(expected[0])
        assert lines[position : position + len(expected)] == expected

    @ddt.data([], ["--user=\x1b[2Jgone"])
    def test_names_cannot_steer_the_terminal(self, args):
        for name in ("\x1b[2Jgone", "turned\u202eround", "two\nlines"):
            UserFactory(username=name, is_staff=True, groups=["xqueue", f"of {name}"])
        groups = [f"of {name}" for name in User.objects.values_list("username", flat=True)]
        with override_settings(**{USERNAMES: ["\x1b[2Jtypo"], GROUPS: groups}):
            for stdout in (io.StringIO(), Terminal()):
                printed = run(*args, stdout=stdout)
                assert not [char for char in printed if not char.isprintable() and char != "\n"]
                assert "two\nlines" not in printed
                assert "of \\x1b[2Jgone" in printed

    def test_the_findings_follow_with_their_hints(self):
        with override_settings(**{USERNAMES: ["xqwacher"]}):
            printed = run()
        assert "Findings: 1" in printed
        assert "single_login.W011: SINGLE_LOGIN_EXEMPT_USERNAMES: 'xqwacher' matches no account." in printed
        assert "HINT: Did you mean 'xqwatcher'?" in printed

    @ddt.data((True, "The protection is on"), (False, "The protection is off"))
    @ddt.unpack
    def test_it_says_whether_the_protection_is_on(self, is_on, expected):
        with protection(is_on):
            assert run().startswith(expected)

    def test_json_has_the_documented_shape(self):
        answer = json.loads(run("--format=json"))
        assert answer == {
            "version": 1,
            "protection": True,
            "settings": {USERNAMES: [], GROUPS: ["xqueue"]},
            "exempt_accounts": 1,
            "findings": [],
            "accounts": [
                {
                    "id": self.user.pk,
                    "username": "xqwatcher",
                    "rules": [{"setting": GROUPS, "name": "xqueue"}],
                    "is_active": True,
                    "is_staff": False,
                    "is_superuser": False,
                    "last_login": None,
                    "has_recorded_session": True,
                }
            ],
        }

    @ddt.data([], ["--user=xqwatcher"])
    def test_json_tells_the_last_login_in_iso_8601(self, args):
        User.objects.update(last_login=datetime(2026, 11, 2, 8, 30, tzinfo=UTC))
        assert '"last_login": "2026-11-02T08:30:00Z"' in run("--format=json", *args)

    @ddt.data(0, 1, 2)
    def test_json_is_json_whatever_the_number_of_accounts(self, count):
        with override_settings(**{GROUPS: ["others"]}):
            for _ in range(count):
                UserFactory(groups=["others"])
            assert len(json.loads(run("--format=json"))["accounts"]) == count

    def test_json_names_every_finding(self):
        with override_settings(**{USERNAMES: ["xqwacher"]}):
            (finding,) = json.loads(run("--format=json"))["findings"]
        assert finding.keys() == {"id", "message", "hint", "setting", "name", "count", "accounts"}
        assert (finding["id"], finding["name"]) == ("single_login.W011", "xqwacher")

    def test_check_is_quiet_when_there_is_nothing_to_attend_to(self):
        assert run("--check") == ""

    def test_check_in_json_is_always_its_object(self):
        answer = json.loads(run("--check", "--format=json"))
        assert (answer["exempt_accounts"], answer["findings"]) == (1, [])
        assert "accounts" not in answer

    @ddt.data("table", "json")
    def test_check_exits_1_and_says_why_when_there_is(self, kind):
        stdout = io.StringIO()
        with override_settings(**{USERNAMES: ["xqwacher"]}), pytest.raises(SystemExit) as ended:
            run("--check", format=kind, stdout=stdout)
        assert ended.value.code == 1
        assert "single_login.W011" in stdout.getvalue()
        if kind == "json":
            assert "accounts" not in json.loads(stdout.getvalue())

    @ddt.data(("1", True), ("2", False))
    @ddt.unpack
    def test_large_group_sets_the_size_that_is_a_finding(self, size, is_found):
        UserFactory(groups=["xqueue"])
        assert ("single_login.W016" in run("--large-group", size)) is is_found

    @ddt.data("0", "-1", "x", "1.5")
    def test_large_group_takes_1_and_more(self, size):
        with pytest.raises(CommandError, match="--large-group") as refused:
            run(f"--large-group={size}")
        assert size in ("x", "1.5") or (refused.value.returncode, str(refused.value)) == (
            2,
            "--large-group takes 1 and more.",
        )

    def test_user_explains_an_exempt_account_in_a_sentence(self):
        assert run("--user", "xqwatcher") == (
            "'xqwatcher' is exempt, by SINGLE_LOGIN_EXEMPT_GROUPS: xqueue: its logins end no session.\n"
        )

    def test_user_explains_an_ordinary_account_as_json_too(self):
        UserFactory(username="honor")
        answer = json.loads(run("--user=honor", "--format=json"))
        assert (answer["version"], answer["protection"], answer["account"]["rules"]) == (1, True, [])
        assert "is not exempt" in answer["explanation"]

    @ddt.data("XQWATCHER", "xqwatcher ", "xqwacher")
    def test_an_unknown_user_is_an_error_with_the_closest_name(self, name):
        with pytest.raises(CommandError, match=r"No account is named .* Did you mean 'xqwatcher'"):
            run("--user", name)

    def test_user_and_check_exclude_each_other(self):
        with pytest.raises(CommandError, match="not allowed with"):
            run("--user=xqwatcher", "--check")

    @ddt.data([], ["--format=json"], ["--user=xqwatcher"], ["--user=xqwatcher", "--format=json"])
    def test_no_session_key_is_shown(self, args):
        assert "the-session-key" not in run(*args)


@ddt.ddt
class ProcessTest(SimpleTestCase):
    """How the process ends that an operator starts in a shell."""

    @pytest.fixture(autouse=True)
    def _site(self, tmp_path):
        self.lms_cfg = tmp_path / "lms.yml"
        self.database = tmp_path / "lms.sqlite3"
        self.configure(f"{{ENGINE: django.db.backends.sqlite3, NAME: {self.database}}}")

    def configure(self, database, groups=("xqueue",)):
        """Write the site's lms.yml."""
        config = f"SECRET_KEY: of this test\nDATABASES: {{default: {database}}}\n{GROUPS}: {json.dumps(groups)}\n"
        self.lms_cfg.write_text(config)

    def manage(self, command, shell="{} ", **environment):
        """Run a management command in a shell; return the process."""
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        return subprocess.run(
            [
                "bash",
                "-c",
                f"set -o pipefail; {shell.format(f'{sys.executable} manage.py lms {command} --settings=production')}",
            ],
            cwd=REPO_ROOT,
            env={**inherited, "LMS_CFG": str(self.lms_cfg), "PYTHONUNBUFFERED": "", **environment},
            capture_output=True,
            check=False,
        )

    def migrate(self):
        """Make the tables, and a group that is too large to be written at once."""
        assert self.manage("migrate --verbosity=0").returncode == 0
        columns = "password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined, id, username"
        account = f"INSERT INTO auth_user ({columns}) VALUES ('', 0, '', '', '', 0, 1, '2026-11-23', ?, ?)"  # noqa: S608
        with sqlite3.connect(self.database) as connection:
            connection.execute("INSERT INTO auth_group (id, name) VALUES (1, 'xqueue')")
            connection.executemany(account, ((number, f"xqwatcher{number}") for number in range(1, 3001)))
            connection.execute("INSERT INTO auth_user_groups (user_id, group_id) SELECT id, 1 FROM auth_user")

    def assert_one_line(self, process, code, words):
        """Fail unless the process ended with ``code`` and one line of these words."""
        (line,) = process.stderr.decode().splitlines()
        assert (process.returncode, line.startswith(f"CommandError: {words}")) == (code, True), line

    def test_a_reader_who_has_enough_and_a_closed_output_leave_no_traceback(self):
        self.migrate()
        for options in ("", "--format=json"):
            process = self.manage(f"single_login_exemptions {options}", "{} | head -n 1")
            assert (process.returncode, process.stderr, process.stdout.count(b"\n")) == (2, b"", 1)
            process = self.manage(f"single_login_exemptions {options}", "{} >&-")
            assert (process.returncode, process.stderr) == (0, b"")
        # The large group is a finding, whether or not somebody can read it.
        process = self.manage("single_login_exemptions --check", "{} | true")
        assert (process.returncode, process.stderr) == (2, b"")
        process = self.manage("single_login_exemptions --check", "{} >&-")
        assert (process.returncode, process.stderr) == (1, b"")

    def test_an_output_that_is_full_is_told_in_one_line(self):
        self.migrate()
        for options in ("", "--format=json", "--check"):
            process = self.manage(f"single_login_exemptions {options}", "{} > /dev/full")
            self.assert_one_line(process, 2, "The report could not be written: ")

    def test_a_name_is_shown_as_far_as_the_output_can(self):
        self.migrate()
        with sqlite3.connect(self.database) as connection:
            connection.execute("UPDATE auth_user SET username = 'Zoë' WHERE id = 1")
        process = self.manage("single_login_exemptions", PYTHONIOENCODING="ascii")
        assert (process.returncode, process.stderr) == (0, b"")
        assert b"\nZo\\xeb " in process.stdout

    def test_what_check_prints_begins_with_the_findings(self):
        self.migrate()
        assert self.manage("single_login_exemptions --check").stdout.startswith(b"Findings: 1\n")

    def test_a_user_that_is_no_text_is_told_in_one_line(self):
        assert self.manage("migrate --verbosity=0").returncode == 0
        process = self.manage("single_login_exemptions", "{} --user=$'\\xff'")
        self.assert_one_line(process, 2, "--user is not text: '\\udcff'")
        self.assert_one_line(self.manage("single_login_exemptions --user=nobody"), 1, "No account is named 'nobody'.")

    @ddt.data("", "--check", "--check --format=json", "--user=xqwatcher")
    def test_a_database_without_tables_is_told_in_one_line(self, options):
        process = self.manage(f"single_login_exemptions {options}")
        self.assert_one_line(process, 2, "The database could not be read: no such table: auth_")

    def test_a_database_that_is_down_is_told_in_one_line(self):
        self.configure("{ENGINE: django.db.backends.sqlite3, NAME: /nowhere/lms.sqlite3}")
        process = self.manage("single_login_exemptions --check")
        self.assert_one_line(process, 2, "The database could not be read: unable to open database file")

    @ddt.data(
        ({}, "", True),
        ({"NO_COLOR": "1"}, "", False),
        ({"NO_COLOR": "1"}, "--large-group=0", False),
        ({}, "--no-color", False),
    )
    @ddt.unpack
    def test_a_terminal_gets_colours_only_where_they_are_wanted(self, environment, option, expected):
        spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
        on_a_terminal = f"{sys.executable} -c '{spawn}' {{}}"
        process = self.manage(f"single_login_exemptions {option}", on_a_terminal, TERM="xterm", **environment)
        assert process.returncode == 2
        assert b"The database could not be read" in process.stdout or b"--large-group takes" in process.stdout
        assert (b"\x1b[" in process.stdout) is expected
