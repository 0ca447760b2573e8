"""The report: who is exempt, and what needs attention."""

from datetime import UTC, datetime

import ddt
from django.contrib.auth.models import Group, User
from django.test import TestCase, override_settings

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.exemptions import GROUPS, USERNAMES, Rule
from openedx.core.djangoapps.single_login.operators.report import Report

from .single_login_cases import protection


def create_members(count, group="xqueue", prefix="member"):
    """Create ``count`` members of a group, in few statements."""
    users = User.objects.bulk_create((User(username=f"{prefix}{n}") for n in range(count)), batch_size=5000)
    through, group = User.groups.through, Group.objects.get_or_create(name=group)[0]
    through.objects.bulk_create((through(user=user, group=group) for user in users), batch_size=5000)


def accounts(report):
    """Return the exempt accounts."""
    return list(report.read_accounts(report.exempt_users()))


@ddt.ddt
class ExemptAccountsTest(TestCase):
    """Which accounts are listed, and what is said of each."""

    def test_an_account_is_listed_once_with_every_rule_that_exempts_it(self):
        UserFactory(username="xqwatcher", groups=["xqueue", "services", "others"])
        UserFactory(username="honor", groups=["others"])
        with protection(True, **{USERNAMES: ["xqwatcher"], GROUPS: ["xqueue", "services", "empty"]}):
            (account,) = accounts(Report())
        assert account.username == "xqwatcher"
        assert account.rules == (Rule(USERNAMES, "xqwatcher"), Rule(GROUPS, "services"), Rule(GROUPS, "xqueue"))

    def test_an_account_is_described(self):
        when = datetime(2026, 11, 23, 12, tzinfo=UTC)
        user = UserFactory(username="xqwatcher", is_active=False, is_superuser=True, last_login=when)
        user.profile.set_login_session("the-key")
        with protection(True, **{USERNAMES: ["xqwatcher"]}):
            (account,) = accounts(Report())
        assert (account.id, account.is_active, account.is_staff, account.is_superuser) == (user.pk, False, False, True)
        assert (account.last_login, account.has_recorded_session) == (when, True)
        assert "the-key" not in str(account)

    @ddt.data(("", False), ("{}", False), ('{"session_id": null}', False), ("{broken", False), ("[]", False))
    @ddt.unpack
    def test_a_profile_without_a_recorded_session_whatever_it_holds(self, meta, expected):
        user = UserFactory(username="xqwatcher")
        user.profile.meta = meta
        user.profile.save()
        with protection(True, **{USERNAMES: ["xqwatcher"]}):
            assert accounts(Report())[0].has_recorded_session is expected

    def test_an_account_without_a_profile_is_listed(self):
        UserFactory(username="xqwatcher", profile=None)
        with protection(True, **{USERNAMES: ["xqwatcher"]}):
            assert [account.has_recorded_session for account in accounts(Report())] == [False]

    @ddt.data("XQWATCHER", "xqwatcher ", "xqwatche", "xqwatcher2")
    def test_names_are_compared_exactly(self, name):
        UserFactory(username="xqwatcher", groups=["xqwatcher"])
        with protection(True, **{USERNAMES: [name], GROUPS: [name]}):
            assert accounts(Report()) == []

    def test_nobody_is_exempt_by_default(self):
        UserFactory(groups=["xqueue"])
        with protection(True), self.assertNumQueries(0):
            assert accounts(Report()) == []

    def test_the_number_of_queries_does_not_depend_on_the_number_of_accounts(self):
        create_members(5000)
        UserFactory(username="staff", is_staff=True, groups=["xqueue"])
        with protection(True, **{USERNAMES: ["staff"], GROUPS: ["xqueue"]}):
            # The configured usernames, the configured groups, the accounts.
            with self.assertNumQueries(3):
                assert len(accounts(Report())) == 5001
            # The names, the number of accounts, the risks, the names at risk, the sizes of the groups.
            with self.assertNumQueries(6):
                assert [finding["id"][-4:] for finding in Report().as_dict()["findings"]] == ["W014", "W016"]


@ddt.ddt
class FindingsTest(TestCase):
    """What needs attention."""

    def findings(self, **settings):
        with protection(True, **settings):
            return Report().findings

    @ddt.data(
        ("xqwacher", "Did you mean 'xqwatcher'?", "Did you mean 'xqwatcher'?"),
        ("XQWATCHER", "Did you mean 'xqwatcher'?", "Did you mean 'xqwatcher'?"),
        ("qwatcher", "Did you mean 'xqwatcher'?", "Did you mean 'xqwatcher'?"),
        ("something-else", "Correct it or remove it.", "Correct it, remove it, or create the group."),
    )
    @ddt.unpack
    def test_a_name_that_matches_nothing_is_found_with_the_closest_one(self, name, hint, hint_for_a_group):
        UserFactory(username="xqwatcher", groups=["xqwatcher"])
        by_username, by_group = self.findings(**{USERNAMES: [name], GROUPS: [name]})
        assert (by_username.id, by_username.setting, by_username.name) == ("single_login.W011", USERNAMES, name)
        assert (by_group.id, by_group.setting, by_group.name) == ("single_login.W012", GROUPS, name)
        assert by_username.hint.startswith(hint)
        assert by_group.hint.startswith(hint_for_a_group)

    def test_of_names_that_differ_by_case_alone_none_is_guessed(self):
        for name in ("XQueue", "xqueue", "graders"):
            Group.objects.create(name=name)
        (finding,) = self.findings(**{GROUPS: ["XQUEUE"]})
        assert finding.hint.startswith("Did you mean 'XQueue' or 'xqueue'?")

    def test_a_name_of_one_space_is_not_corrected_to_another(self):
        UserFactory(username="xqwatcher")
        of_the_entry, of_the_account = self.findings(**{USERNAMES: [" "]})
        assert (of_the_entry.id, of_the_account.id) == ("single_login.W001", "single_login.W011")
        assert of_the_entry.hint.startswith("Correct it or remove it.")
        assert of_the_account.hint.startswith("Correct it or remove it.")

    def test_a_misspelt_setting_is_found(self):
        (finding,) = self.findings(SINGLE_LOGIN_EXEMPT_GROUP=["xqueue"])
        assert (finding.id, finding.setting) == ("single_login.W002", "SINGLE_LOGIN_EXEMPT_GROUP")

    def test_the_collation_does_not_decide_what_matches(self):
        UserFactory(username="XQWatcher ")
        (finding,) = self.findings(**{USERNAMES: ["xqwatcher"]})
        assert finding.hint.startswith("Did you mean 'XQWatcher '?")

    @ddt.data(
        ({"is_active": False}, ["W013"]),
        ({"is_staff": True}, ["W014"]),
        ({"is_superuser": True}, ["W015"]),
        ({"is_staff": True, "is_superuser": True, "is_active": False}, ["W013", "W014", "W015"]),
        ({}, []),
    )
    @ddt.unpack
    def test_a_risky_exempt_account_is_found(self, fields, expected):
        UserFactory(username="xqwatcher", **fields)
        UserFactory(username="other", is_active=False, is_staff=True, is_superuser=True)
        findings = self.findings(**{USERNAMES: ["xqwatcher"]})
        assert [finding.id[-4:] for finding in findings] == expected
        assert all(finding.accounts == ("xqwatcher",) and finding.count == 1 for finding in findings)

    def test_many_risky_accounts_are_counted_and_the_first_are_named(self):
        create_members(30)
        User.objects.update(is_staff=True)
        (staff, _) = self.findings(**{GROUPS: ["xqueue"]})
        assert (staff.count, len(staff.accounts)) == (30, 20)
        assert "and 10 more" in staff.message

    @ddt.data((20, False), (21, True))
    @ddt.unpack
    def test_a_large_exempt_group_is_found(self, members, is_found):
        create_members(members)
        create_members(30, group="others", prefix="other")
        findings = self.findings(**{GROUPS: ["xqueue"]})
        assert [(f.id, f.name, f.count) for f in findings] == [("single_login.W016", "xqueue", members)] * is_found

    def test_the_size_of_a_large_group_can_be_chosen(self):
        create_members(3)
        with protection(True, **{GROUPS: ["xqueue"]}):
            assert [finding.count for finding in Report(large_group=2).findings] == [3]
            assert Report(large_group=3).findings == []

    def test_what_the_checks_find_in_the_settings_is_found_as_well(self):
        assert [finding.id for finding in self.findings(**{GROUPS: ["a*", "a*"]})] == [
            "single_login.W001",
            "single_login.W001",
            "single_login.W001",
            "single_login.W012",
        ]


class ExplainTest(TestCase):
    """One account in a sentence."""

    def explain(self, username, **settings):
        with protection(settings.pop("is_on", True), **settings):
            return Report().explain(username)

    def test_an_exempt_account(self):
        UserFactory(username="xqwatcher", groups=["xqueue"])
        account, sentence = self.explain("xqwatcher", **{USERNAMES: ["xqwatcher"], GROUPS: ["xqueue"]})
        assert account.username == "xqwatcher"
        assert sentence == (
            "'xqwatcher' is exempt, by SINGLE_LOGIN_EXEMPT_USERNAMES: xqwatcher and by SINGLE_LOGIN_EXEMPT_GROUPS: "
            "xqueue: its logins end no session."
        )

    def test_an_ordinary_account_and_what_would_make_it_exempt(self):
        UserFactory(username="honor")
        _, sentence = self.explain("honor", **{GROUPS: ["xqueue", "services"]})
        assert sentence.startswith("'honor' is not exempt: each login ends its earlier session.")
        assert "('services', 'xqueue')" in sentence
        assert USERNAMES in sentence
        assert GROUPS in self.explain("honor")[1]

    def test_without_the_protection_nobody_needs_an_exemption(self):
        UserFactory(username="honor")
        assert "PREVENT_CONCURRENT_LOGINS is off" in self.explain("honor", is_on=False, **{USERNAMES: ["honor"]})[1]

    @override_settings(**{USERNAMES: ["HONOR"]})
    def test_an_unknown_account(self):
        UserFactory(username="honor")
        account, sentence = Report().explain("HONOR")
        assert account is None
        assert sentence.startswith("No account is named 'HONOR'. Did you mean 'honor'?")
