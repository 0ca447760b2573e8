"""``./manage.py lms single_login_exemptions``."""

import io
import json
import shutil
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import ddt
import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import SimpleTestCase, TestCase, override_settings
from django.utils import timezone

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login import __version__
from openedx.core.djangoapps.single_login.exemptions import GROUPS, USERNAMES
from openedx.core.djangoapps.single_login.settings import SESSION_ENGINE

from .level_settings import every_request, exempt_only
from .manage_process import run_in_repository, run_manage
from .members import create_members
from .single_login_cases import protection

DATABASE_ENGINE = "django.contrib.sessions.backends.db"


def lms_yml(database):
    """Return an lms.yml for this SQLite database, with an exempt group."""
    databases = f"{{default: {{ENGINE: django.db.backends.sqlite3, NAME: {database}}}}}"
    return f'SECRET_KEY: of this test\nDATABASES: {databases}\n{GROUPS}: ["xqueue"]\n'


@pytest.fixture(scope="module")
def migrated_database(tmp_path_factory):
    """Return a database with the tables, and with an exempt group whose report is too large to be written at once."""
    database = tmp_path_factory.mktemp("migrated") / "lms.sqlite3"
    config = database.with_name("lms.yml")
    config.write_text(lms_yml(database))
    migrate = run_manage("lms", "migrate", "--verbosity=0", LMS_CFG=str(config))
    assert migrate.returncode == 0, migrate.stderr
    columns = "password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined, id, username"
    account = f"INSERT INTO auth_user ({columns}) VALUES ('', 0, '', '', '', 0, 1, '2026-11-23', ?, ?)"  # noqa: S608
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO auth_group (id, name) VALUES (1, 'xqueue')")
        connection.executemany(account, ((number, f"xqwatcher{number}") for number in range(1, 3001)))
        connection.execute("INSERT INTO auth_user_groups (user_id, group_id) SELECT id, 1 FROM auth_user")
    return database


def run(*args, stdout=None, **options):
    """Run the command. Return its output."""
    stdout = stdout or io.StringIO()
    call_command("single_login_exemptions", *args, stdout=stdout, **options)
    return stdout.getvalue()


@ddt.ddt
@override_settings(**{GROUPS: ["xqueue"]})
class ExemptionsCommandTest(TestCase):
    """The output, and the exit code."""

    def setUp(self):
        super().setUp()
        self.user = UserFactory(username="xqwatcher", groups=["xqueue"])
        self.user.profile.set_meta({"session_id": "the-session-key"})
        self.user.profile.save()

    def test_the_table_names_account_rule_and_facts_on_one_line(self):
        (line,) = [line for line in run().splitlines() if line.startswith("xqwatcher")]
        assert line.split("  ")[0] == "xqwatcher"
        assert [cell.strip() for cell in line.split("  ") if cell] == [
            "xqwatcher",
            "group xqueue",
            "never",
            "session on record",
        ]

    def test_the_columns_stand_below_their_headers(self):
        UserFactory(username="x", groups=["xqueue"])
        header, *lines = run().splitlines()[4:7]
        for line, cell in ((header, "Exempt by"), (lines[0], "group xqueue"), (lines[1], "group xqueue")):
            assert line.index(cell) == header.index("Exempt by")

    def test_the_table_says_when_an_account_signed_in_and_what_is_risky_about_it(self):
        facts = {"is_active": False, "is_staff": True, "is_superuser": True}
        UserFactory(
            username="robot", groups=["xqueue"], last_login=datetime(2026, 11, 2, 8, 30, 59, tzinfo=UTC), **facts
        )
        (line,) = [line for line in run().splitlines() if line.startswith("robot")]
        assert line.endswith("2026-11-02 08:30 UTC  inactive, staff, superuser")

    def test_a_long_name_stays_on_one_line(self):
        UserFactory(username="x" * 150, groups=["xqueue"])
        assert "x" * 150 in run()

    def test_many_accounts_have_one_header(self):
        create_members(1100)
        lines = run().splitlines()
        assert len([line for line in lines if line.startswith("Account")]) == 1
        assert len([line for line in lines if "  group xqueue  " in line]) == 1101

    @ddt.data([], ["--user=\x1b[2Jgone"])
    def test_names_cannot_steer_the_terminal(self, args):
        for name in ("\x1b[2Jgone", "turned\u202eround", "two\nlines"):
            UserFactory(username=name, is_staff=True, groups=["xqueue", f"of {name}"])
        groups = [f"of {name}" for name in User.objects.values_list("username", flat=True)]
        with override_settings(**{USERNAMES: ["\x1b[2Jtypo"], GROUPS: groups}):
            printed = run(*args)
        assert not [char for char in printed if not char.isprintable() and char != "\n"]
        assert "two\nlines" not in printed
        assert "of \\x1b[2Jgone" in printed

    def test_the_findings_follow_with_their_hints(self):
        with override_settings(**{USERNAMES: ["xqwacher"]}):
            printed = run()
        assert "Findings: 1 (0 silenced)" in printed
        assert "single_login.W011: SINGLE_LOGIN_EXEMPT_USERNAMES: 'xqwacher' matches no account." in printed
        assert "HINT: Did you mean 'xqwatcher'?" in printed

    @ddt.data(
        (True, False, "The protection is on: one session per account. Level: exempt only."),
        (True, True, "The protection is on: one session per account. Level: check at every request."),
        (False, False, "The protection is off: any number of sessions per account."),
        (False, True, "The protection is off: any number of sessions per account."),
    )
    @ddt.unpack
    def test_it_says_whether_the_protection_is_on_and_at_which_level(self, is_on, is_every_request, expected):
        with protection(is_on, **(every_request() if is_every_request else exempt_only())):
            assert run().splitlines()[2] == expected
            answer = json.loads(run("--format=json"))
        assert (answer["protection"], answer["check_every_request"]) == (is_on, is_every_request)

    @ddt.data([], ["--check"], ["--user=xqwatcher"], ["--concurrent-sessions"])
    def test_it_says_first_that_the_exemptions_are_in_force(self, args):
        with override_settings(SESSION_ENGINE=DATABASE_ENGINE):
            assert run(*args).splitlines()[0] == "The exemptions are in force."
            answer = json.loads(run(*args, "--format=json"))
        assert (answer["in_force"], answer["not_in_force_because"]) == (True, [])

    @ddt.data([], ["--user=xqwatcher"], ["--concurrent-sessions"])
    def test_it_says_first_why_they_are_not_in_force(self, args):
        with (
            protection(True, SESSION_ENGINE=DATABASE_ENGINE),
            patch.object(user_logged_in, "receivers", []),
            patch.object(user_logged_out, "receivers", []),
        ):
            line, *_ = printed = run(*args).splitlines()
            answer = json.loads(run(*args, "--format=json"))
        assert line.startswith("The exemptions are not in force: the app `student` has no UserProfile.set_login_sess")
        assert (answer["in_force"], answer["not_in_force_because"]) == (False, [line])
        assert not [line for line in printed if "is exempt" in line]

    def test_it_says_that_only_the_check_is_not_in_force(self):
        with protection(True, **{**every_request(), "SESSION_ENGINE": DATABASE_ENGINE}):
            first, line, *_ = run("--user=xqwatcher").splitlines()
            answer = json.loads(run("--format=json"))
        assert first == "The exemptions are in force."
        assert line == f"The check at every request is not in force: SESSION_ENGINE is '{DATABASE_ENGINE}'."
        assert (answer["in_force"], answer["not_in_force_because"]) == (False, [line])

    def test_it_says_that_nothing_is_set(self):
        with protection(False, **{GROUPS: []}):
            assert run("--check").splitlines() == [
                "No account and no group is named in the settings.",
                "Settings: module lms.envs.test, no settings file.",
                "Findings: 0 (0 silenced)",
            ]
            answer = json.loads(run("--format=json"))
        assert (answer["in_force"], answer["not_in_force_because"]) == (
            False,
            ["No account and no group is named in the settings."],
        )

    def test_check_fails_if_the_exemptions_are_not_in_force(self):
        with protection(False), pytest.raises(SystemExit) as ended:
            run("--check")
        assert ended.value.code == 1

    @ddt.data("table", "json")
    def test_check_passes_what_is_silenced_and_counts_it(self, kind):
        User.objects.update(is_staff=True)
        with override_settings(SILENCED_SYSTEM_CHECKS=["single_login.W014"]):
            printed = run("--check", format=kind)
        if kind == "json":
            assert (json.loads(printed)["findings"], json.loads(printed)["silenced"]) == ([], 1)
        else:
            assert printed.splitlines()[-1] == "Findings: 0 (1 silenced)"

    @ddt.data([], ["--check"], ["--user=xqwatcher"], ["--concurrent-sessions"])
    def test_it_says_next_which_settings_it_read(self, args):
        for files, path in (
            ({}, None),
            ({"LMS_CFG": "/etc/lms.yml"}, "/etc/lms.yml"),
            ({"CONFIG_FILE": "/cfg"}, "/cfg"),
        ):
            with override_settings(SESSION_ENGINE=DATABASE_ENGINE, **files):
                line = run(*args).splitlines()[1]
                answer = json.loads(run(*args, "--format=json"))
            assert line == f"Settings: module lms.envs.test, {f'file {path}' if path else 'no settings file'}."
            assert (answer["settings_module"], answer["settings_file"]) == ("lms.envs.test", path)

    def test_json_has_the_documented_shape(self):
        answer = json.loads(run("--format=json"))
        assert answer == {
            "version": 1,
            "in_force": True,
            "not_in_force_because": [],
            "app_version": __version__,
            "settings_module": "lms.envs.test",
            "settings_file": None,
            "protection": True,
            "check_every_request": settings.SINGLE_LOGIN_CHECK_EVERY_REQUEST,
            "settings": {USERNAMES: [], GROUPS: ["xqueue"]},
            "exempt_accounts": 1,
            "findings": [],
            "silenced": 0,
            "accounts": [
                {
                    "id": self.user.pk,
                    "username": "xqwatcher",
                    "rules": [{"setting": GROUPS, "name": "xqueue"}],
                    "is_active": True,
                    "is_staff": False,
                    "is_superuser": False,
                    "last_login": None,
                    "has_session_on_record": True,
                }
            ],
        }

    @ddt.data([], ["--user=xqwatcher"])
    def test_json_tells_the_last_login_in_iso_8601(self, args):
        User.objects.update(last_login=datetime(2026, 11, 2, 8, 30, tzinfo=UTC))
        assert '"last_login": "2026-11-02T08:30:00Z"' in run("--format=json", *args)

    @ddt.data(0, 1, 2)
    def test_json_is_valid_with_no_account_and_with_many(self, count):
        with override_settings(**{GROUPS: ["others"]}):
            for _ in range(count):
                UserFactory(groups=["others"])
            assert len(json.loads(run("--format=json"))["accounts"]) == count

    def test_json_names_every_finding(self):
        with override_settings(**{USERNAMES: ["xqwacher"]}):
            (finding,) = json.loads(run("--format=json"))["findings"]
        assert finding.keys() == {"id", "message", "hint", "setting", "name", "count", "accounts"}
        assert (finding["id"], finding["name"]) == ("single_login.W011", "xqwacher")

    def test_check_without_findings_lists_no_accounts(self):
        assert run("--check").splitlines() == [
            "The exemptions are in force.",
            "Settings: module lms.envs.test, no settings file.",
            "Findings: 0 (0 silenced)",
        ]

    def test_check_in_json_is_always_its_object(self):
        answer = json.loads(run("--check", "--format=json"))
        assert (answer["exempt_accounts"], answer["findings"]) == (1, [])
        assert "accounts" not in answer

    @ddt.data("table", "json")
    def test_check_with_findings_exits_1_and_prints_them(self, kind):
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
    def test_large_group_must_be_1_or_more(self, size):
        with pytest.raises(CommandError, match="--large-group") as refused:
            run(f"--large-group={size}")
        assert size in ("x", "1.5") or (refused.value.returncode, str(refused.value)) == (
            2,
            "--large-group must be 1 or more.",
        )

    def test_user_explains_an_exempt_account_in_a_sentence(self):
        for wanted in ("xqwatcher", str(self.user.pk), "XQWATCHER@example.com"):
            assert run("--user", wanted).splitlines()[2:] == [
                "'xqwatcher' is exempt, by SINGLE_LOGIN_EXEMPT_GROUPS: xqueue: no login evicts its sessions."
            ]

    def test_user_explains_an_ordinary_account_as_json_too(self):
        UserFactory(username="honor")
        answer = json.loads(run("--user=honor", "--format=json"))
        assert (answer["version"], answer["protection"], answer["account"]["rules"]) == (1, True, [])
        assert "is not exempt" in answer["explanation"]
        assert (answer["matched_by"], answer["others"]) == ("username", [])

    def test_user_lists_all_accounts_that_match(self):
        UserFactory(username=str(self.user.pk))
        by_username, by_number = run("--user", str(self.user.pk)).splitlines()[2:]
        assert by_username.startswith(f"Found by its username: '{self.user.pk}' is not exempt")
        assert by_number.startswith("Found by its number: 'xqwatcher' is exempt")
        answer = json.loads(run("--format=json", "--user", str(self.user.pk)))
        (other,) = answer["others"]
        assert (answer["matched_by"], answer["account"]["username"]) == ("username", str(self.user.pk))
        assert (other["matched_by"], other["account"]["username"]) == ("id", "xqwatcher")
        assert "no login evicts its sessions" in other["explanation"]

    @ddt.data("XQWATCHER", "xqwatcher ", "xqwacher")
    def test_an_unknown_user_is_an_error_with_the_closest_name(self, name):
        with pytest.raises(CommandError, match=r"No account has the username, .* Did you mean 'xqwatcher'"):
            run("--user", name)

    @ddt.data(
        ["--user=xqwatcher", "--check"],
        ["--user=xqwatcher", "--concurrent-sessions"],
        ["--check", "--concurrent-sessions"],
    )
    def test_two_scopes_exclude_each_other(self, args):
        with pytest.raises(CommandError, match="not allowed with"):
            run(*args)

    def test_half_a_surrogate_pair_in_a_setting_is_refused_and_printable(self):
        for options in ([], ["--check"], ["--user=xqwatcher"], ["--format=json"]):
            with override_settings(**{USERNAMES: ["\ud800"]}), pytest.raises(ImproperlyConfigured) as refusal:
                run(*options)
            assert "single_login.E002" in str(refusal.value)
            assert b"entry 1" in str(refusal.value).encode()

    @ddt.data([], ["--format=json"], ["--user=xqwatcher"], ["--user=xqwatcher", "--format=json"])
    def test_no_session_key_is_shown(self, args):
        assert "the-session-key" not in run(*args)


@ddt.ddt
@override_settings(**{GROUPS: ["xqueue"]}, SESSION_ENGINE=DATABASE_ENGINE)
class ConcurrentSessionsTest(TestCase):
    """The accounts that the protection would affect if it were turned on now."""

    def setUp(self):
        super().setUp()
        self.sign_in("xqwatcher", 3, groups=["xqueue"])
        self.sign_in("honor", 2)
        self.sign_in("verified", 1)

    def sign_in(self, username, times, **fields):
        """Create an account and ``times`` sessions of it that Django accepts."""
        user = UserFactory(username=username, **fields)
        with protection(False):
            for _ in range(times):
                self.client_class().force_login(user)
        return user

    def listed(self, engine=DATABASE_ENGINE):
        """Return the accounts in the JSON, and their sessions."""
        with override_settings(SESSION_ENGINE=engine):
            answer = json.loads(run("--concurrent-sessions", "--format=json"))
        return {account["username"]: account["sessions"] for account in answer["accounts"]}

    def test_accounts_with_more_than_one_session_are_listed_the_most_first(self):
        lines = run("--concurrent-sessions").splitlines()[2:]
        cells = [[cell.strip() for cell in line.split("  ") if cell] for line in lines]
        assert cells == [
            ["Account", "Exempt by", "Last login", "Sessions"],
            ["xqwatcher", "group xqueue", cells[1][2], "3"],
            ["honor", cells[2][1], "2"],
            ["Accounts with more than one accepted session: 2. Exempt: 1."],
        ]

    def test_json_has_the_accounts_with_their_rules_and_sessions(self):
        answer = json.loads(run("--concurrent-sessions", "--format=json"))
        first, second = answer["accounts"]
        assert (first["username"], first["sessions"], first["rules"]) == (
            "xqwatcher",
            3,
            [{"setting": GROUPS, "name": "xqueue"}],
        )
        assert (second["username"], second["sessions"], second["rules"]) == ("honor", 2, [])
        assert answer["version"] == 1

    def test_expired_broken_anonymous_and_orphaned_sessions_do_not_count(self):
        self.sign_in("deleted", 2).delete()
        for _ in range(2):
            anonymous = SessionStore()
            anonymous["cart"] = 1
            anonymous.save()
        now = timezone.now()
        later = now + timedelta(days=1)
        Session.objects.create(session_key="broken", session_data="broken", expire_date=later)
        own = Session.objects.filter(pk__in=self.keys("honor"))
        own.update(expire_date=now - timedelta(days=1))
        assert self.listed() == {"xqwatcher": 3}

    def test_sessions_from_before_a_password_change_do_not_count(self):
        user = User.objects.get(username="xqwatcher")
        user.set_password("another")
        user.save()
        assert self.listed() == {"honor": 2}

    def test_sessions_signed_with_an_old_secret_key_count_while_django_accepts_them(self):
        with override_settings(SECRET_KEY="a new one", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
            assert self.listed() == {"xqwatcher": 3, "honor": 2}
        with override_settings(SECRET_KEY="a new one"):
            assert self.listed() == {}

    def test_sessions_of_a_deactivated_account_count_if_the_backend_accepts_it(self):
        User.objects.filter(username="xqwatcher").update(is_active=False)
        assert self.listed() == {"honor": 2}
        backend = "django.contrib.auth.backends.AllowAllUsersModelBackend"
        with override_settings(AUTHENTICATION_BACKENDS=[backend]):
            self.sign_in("retired", 2, is_active=False)
            assert self.listed() == {"retired": 2}

    def test_sessions_that_the_check_at_every_request_would_end_do_not_count(self):
        honor = User.objects.get(username="honor")
        with override_settings(**every_request()):
            self.client.force_login(honor)
            assert self.listed(SESSION_ENGINE) == {"xqwatcher": 3}
            with override_settings(**{USERNAMES: ["honor"]}):
                assert self.listed(SESSION_ENGINE) == {"xqwatcher": 3, "honor": 3}

    def test_counting_changes_no_session_and_no_record(self):
        with override_settings(**every_request()):
            before = self.written()
            assert self.listed(SESSION_ENGINE)
            assert self.written() == before

    def written(self):
        """Return every session and every profile, as they are in the database."""
        return [list(model.objects.order_by("pk").values()) for model in (Session, UserProfile)]

    def keys(self, username):
        """Return the keys of an account's sessions."""
        pk = str(User.objects.get(username=username).pk)
        return [session.pk for session in Session.objects.all() if session.get_decoded().get(SESSION_KEY) == pk]

    def test_no_session_key_is_shown(self):
        printed = run("--concurrent-sessions") + run("--concurrent-sessions", "--format=json")
        assert self.keys("xqwatcher")
        assert not [key for key in self.keys("xqwatcher") if key in printed]

    def test_the_engine_cached_db_keeps_the_list_too(self):
        assert self.listed("django.contrib.sessions.backends.cached_db") == {"xqwatcher": 3, "honor": 2}

    def test_the_sites_engine_under_the_check_at_every_request_is_asked(self):
        with override_settings(**every_request("cached_db")):
            assert self.listed(SESSION_ENGINE) == {"xqwatcher": 3, "honor": 2}

    @ddt.data("cache", "file", "signed_cookies")
    def test_another_engine_keeps_no_list_and_the_command_says_so(self, engine):
        engine = f"django.contrib.sessions.backends.{engine}"
        for options in ([], ["--format=json"]):
            with override_settings(SESSION_ENGINE=engine), pytest.raises(CommandError) as refused:
                run("--concurrent-sessions", *options)
            assert refused.value.returncode == 2
            assert str(refused.value).startswith(f"The session engine {engine} keeps no list of its sessions")


@ddt.ddt
class ProcessTest(SimpleTestCase):
    """The command as a process in a shell: its exit code and its errors."""

    @pytest.fixture(autouse=True)
    def _site(self, tmp_path):
        self.lms_cfg = tmp_path / "lms.yml"
        self.database = tmp_path / "lms.sqlite3"
        self.configure(self.database)

    @pytest.fixture
    def _migrated(self, _site, migrated_database):
        shutil.copy(migrated_database, self.database)

    def configure(self, database):
        """Write the site's lms.yml."""
        self.lms_cfg.write_text(lms_yml(database))

    def manage(self, command, shell="{} ", **environment):
        """Run a management command in a shell. Return the process."""
        line = shell.format(f"{sys.executable} manage.py lms {command} --settings=production")
        site = {"LMS_CFG": str(self.lms_cfg), "PYTHONUNBUFFERED": ""}
        return run_in_repository(["bash", "-c", f"set -o pipefail; {line}"], **site, **environment)

    def assert_one_line(self, process, code, words):
        """Assert that the process exited with ``code`` and one line that has these words."""
        (line,) = process.stderr.splitlines()
        assert (process.returncode, line.startswith(f"CommandError: {words}")) == (code, True), line

    @pytest.mark.usefixtures("_migrated")
    def test_a_pipe_that_its_reader_closed_leaves_no_traceback(self):
        for options in ("", "--format=json"):
            process = self.manage(f"single_login_exemptions {options}", "{} | head -n 1")
            assert (process.returncode, process.stderr, process.stdout.count("\n")) == (2, "", 1)
        process = self.manage("single_login_exemptions --check", "{} | true")
        assert (process.returncode, process.stderr) == (2, "")

    @pytest.mark.usefixtures("_migrated")
    def test_a_full_disk_is_reported_in_one_line(self):
        for options in ("", "--format=json", "--check"):
            process = self.manage(f"single_login_exemptions {options}", "{} > /dev/full")
            self.assert_one_line(process, 2, "The report could not be written: ")

    @pytest.mark.usefixtures("_migrated")
    def test_characters_that_the_output_lacks_are_escaped(self):
        with sqlite3.connect(self.database) as connection:
            connection.execute("UPDATE auth_user SET username = 'Zoë' WHERE id = 1")
        process = self.manage("single_login_exemptions", PYTHONIOENCODING="ascii")
        assert (process.returncode, process.stderr) == (0, "")
        assert "\nZo\\xeb " in process.stdout

    @pytest.mark.usefixtures("_migrated")
    def test_check_prints_the_settings_file_and_the_findings(self):
        printed = self.manage("single_login_exemptions --check").stdout
        head = f"The exemptions are in force.\nSettings: module lms.envs.production, file {self.lms_cfg}.\n"
        assert printed.startswith(f"{head}Findings: 1 (0 silenced)\nsingle_login.W016: ")

    @pytest.mark.usefixtures("_migrated")
    def test_a_closed_output_is_reported_in_one_line(self):
        for options in ("", "--format=json", "--check", "--user=xqwatcher1"):
            process = self.manage(f"single_login_exemptions {options}", "{} >&-")
            self.assert_one_line(process, 2, "The report could not be written: ")

    @pytest.mark.usefixtures("_migrated")
    def test_a_lower_case_setting_in_lms_yml_fails_the_check(self):
        with self.lms_cfg.open("a") as file:
            file.write("single_login_exempt_usernames: [xqwatcher1]\n")
        process = self.manage("single_login_exemptions --check --large-group=5000")
        printed = process.stdout
        assert (process.returncode, "Findings: 1 (0 silenced)\nsingle_login.W002: " in printed) == (1, True), printed

    @pytest.mark.usefixtures("_migrated")
    def test_a_user_that_is_not_text_is_reported_in_one_line(self):
        process = self.manage("single_login_exemptions", "{} --user=$'\\xff'")
        self.assert_one_line(process, 2, "--user is not text: '\\udcff'")
        self.assert_one_line(self.manage("single_login_exemptions --user=nobody"), 1, "No account has the username,")

    @ddt.data("--check", "--user=xqwatcher")
    def test_a_database_without_tables_is_reported_in_one_line(self, options):
        process = self.manage(f"single_login_exemptions {options}")
        self.assert_one_line(process, 2, "The database could not be read: no such table: auth_")

    def test_a_database_that_is_down_is_reported_in_one_line(self):
        self.configure("/nowhere/lms.sqlite3")
        process = self.manage("single_login_exemptions --check")
        self.assert_one_line(process, 2, "The database could not be read: unable to open database file")
