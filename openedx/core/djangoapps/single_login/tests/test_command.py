"""``./manage.py lms single_login_exemptions``."""

import io
import json

import ddt
import pytest
from django.core.management import CommandError, call_command
from django.test import TestCase, override_settings

from common.djangoapps.student.tests.factories import UserFactory

from .single_login_cases import protection

USERNAMES, GROUPS = "SINGLE_LOGIN_EXEMPT_USERNAMES", "SINGLE_LOGIN_EXEMPT_GROUPS"
COMMAND = "openedx.core.djangoapps.single_login.management.commands.single_login_exemptions"


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
        assert line.split() == ["xqwatcher", "group", "xqueue", "yes", "no", "no", "never", "yes"]

    def test_a_long_name_stays_on_one_line_where_there_is_no_terminal(self):
        UserFactory(username="x" * 150, groups=["xqueue"])
        assert "x" * 150 in run()

    def test_a_terminal_gets_the_same_facts(self):
        printed = run(stdout=Terminal())
        assert "xqwatcher" in printed
        assert "\x1b[" in printed

    @ddt.data(False, True)
    def test_names_cannot_steer_the_terminal(self, is_terminal):
        for name in ("\x1b[2Jgone", "[bold]marked[/bold]", "turned\u202eround", "two\nlines"):
            UserFactory(username=name, is_staff=True, groups=["xqueue"])
        with override_settings(**{USERNAMES: ["\x1b[2Jtypo"]}):
            printed = run(stdout=Terminal() if is_terminal else None)
        for harmful in ("\x1b[2J", "\u202e", "two\nlines"):
            assert harmful not in printed
        for shown in ("\\x1b[2Jgone", "[bold]marked[/bold]", "turned\\u202eround", "two\\nlines", "\\x1b[2Jtypo"):
            assert shown in printed

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

    @ddt.data("table", "json")
    def test_check_is_quiet_when_there_is_nothing_to_attend_to(self, kind):
        assert run("--check", format=kind) == ""

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

    def test_progress_goes_to_a_terminal_only(self):
        with override_settings(**{GROUPS: ["xqueue"]}):
            for kind, expected in ((io.StringIO, False), (Terminal, True)):
                stderr = kind()
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(f"{COMMAND}.PROGRESS_STEP", 1)
                    run(stderr=stderr)
                assert ("1 accounts ..." in stderr.getvalue()) is expected
