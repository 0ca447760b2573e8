"""The report: who is exempt, and what needs attention."""

from datetime import UTC, datetime
from unittest.mock import patch

import ddt
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in
from django.test import TestCase

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.exemptions import GROUPS, USERNAMES, Rule, exempting_rule
from openedx.core.djangoapps.single_login.operators.report import Report

from .members import create_members
from .single_login_cases import protection
from .statements import Statements


def accounts(report):
    """Return the exempt accounts."""
    return list(report.read_accounts(report.exempt_ids()))


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
        assert (account.last_login, account.has_session_on_record) == (when, True)
        assert "the-key" not in str(account)

    @ddt.data("", "{}", '{"session_id": null}', "{broken", "[]", "[" * 3000 + "]" * 3000)
    def test_a_profile_without_a_session_on_record(self, meta):
        user = UserFactory(username="xqwatcher")
        user.profile.meta = meta
        user.profile.save()
        with protection(True, **{USERNAMES: ["xqwatcher"]}):
            assert accounts(Report())[0].has_session_on_record is False

    def test_an_account_without_a_profile_is_listed(self):
        UserFactory(username="xqwatcher", profile=None)
        with protection(True, **{USERNAMES: ["xqwatcher"]}):
            assert [account.has_session_on_record for account in accounts(Report())] == [False]

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
            # The configured usernames, the configured groups, the members; then the accounts, in chunks.
            with self.assertNumQueries(3):
                assert len(Report().exempt_ids()) == 5001
            with self.assertNumQueries(3 + 6):
                assert len(accounts(Report())) == 5001
            # The sizes of the groups.
            with self.assertNumQueries(3 + 1):
                assert [finding["id"][-4:] for finding in Report().as_dict()["findings"]] == ["W014", "W016"]

    def test_very_many_names_are_looked_up_in_chunks(self):
        UserFactory(username="xqwatcher", groups=["xqueue"])
        many = [f"name-{number}" for number in range(300_000)]
        with protection(True, **{USERNAMES: [*many, "xqwatcher"], GROUPS: many[:2500]}):
            with Statements() as statements:
                report = Report()
                assert [account.username for account in accounts(report)] == ["xqwatcher"]
            # The usernames, the groups, and the account.
            assert len(statements.sent) == 301 + 3 + 1
            unmatched = report.findings
        assert [finding.count for finding in unmatched] == [None] * 20 + [299_980] + [None] * 20 + [2480]
        assert "299980 more names match no account" in unmatched[20].message


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

    @ddt.data(
        ("xqw\u0430tcher", "xqwatcher", "Character 4 of 'xqw\u0430tcher' is U+0430 CYRILLIC SMALL LETTER A."),
        ("xqwatcher", "xqw\u0430tcher", "Character 4 of 'xqw\u0430tcher' is U+0430 CYRILLIC SMALL LETTER A."),
        ("xq\u200bwatcher", "xqwatcher", "Character 3 of 'xq\\u200bwatcher' is U+200B ZERO WIDTH SPACE."),
        ("Zoe\u0308", "Zo\xeb", "Character 3 of 'Zo\xeb' is U+00EB LATIN SMALL LETTER E WITH DIAERESIS."),
    )
    @ddt.unpack
    def test_the_hint_names_the_character_in_which_two_names_differ(self, configured, name, expected):
        UserFactory(username=name)
        with protection(True, **{USERNAMES: [configured]}):
            finding = Report().findings[-1]
        assert finding.hint.startswith(f"Did you mean {name!r}? ")
        assert expected in finding.hint
        assert finding.hint.endswith("Names are compared exactly, character by character.")

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

    def test_what_the_system_checks_find_in_the_settings_is_found_as_well(self):
        assert [finding.id for finding in self.findings(**{GROUPS: ["a*", "a*"]})] == [
            "single_login.W001",
            "single_login.W001",
            "single_login.W001",
            "single_login.W012",
        ]

    def test_silenced_findings_are_counted_and_left_out(self):
        UserFactory(username="xqwatcher", is_staff=True, is_superuser=True)
        with protection(True, **{USERNAMES: ["xqwatcher", "x*"]}, SILENCED_SYSTEM_CHECKS=["single_login.W014"]):
            report = Report()
            assert [finding.id[-4:] for finding in report.findings] == ["W001", "W011", "W015"]
            assert report.silenced == 1


@ddt.ddt
class TenantsTest(TestCase):
    """An app that writes the values of a tenant onto the settings during a request."""

    @ddt.data(7, "xqueue", ["others"], ["*"], None)
    def test_lists_that_a_request_changes_have_no_effect_on_decision_and_findings(self, value):
        user = UserFactory(username="xqwatcher", groups=["xqueue"])
        with protection(True, **{GROUPS: ["xqueue"]}, ENV_TOKENS={GROUPS: ["xqueue"]}):
            before = Report().as_dict()
            with patch.object(settings, GROUPS, value):
                assert Report().as_dict() == before
                assert Report().findings == []
                assert exempting_rule(user) == Rule(GROUPS, "xqueue")

    @ddt.data("yes", True, 1)
    def test_level_that_a_request_changes_has_no_effect(self, value):
        with protection(True, **{GROUPS: ["xqueue"]}, SINGLE_LOGIN_CHECK_EVERY_REQUEST=False):
            before = Report().as_dict()
            with patch.object(settings, "SINGLE_LOGIN_CHECK_EVERY_REQUEST", value):
                assert Report().as_dict() == before


@ddt.ddt
class MatchesTest(TestCase):
    """The accounts that match a question, and the answers."""

    def ask(self, wanted, is_on=True, **settings):
        """Return what each account matched by, and the sentences."""
        with protection(is_on, **settings):
            matches = Report().find_matches(wanted)
        return [(match.matched_by, match.account.username) for match in matches], [
            match.explanation for match in matches
        ]

    def test_exempt_account_is_explained_with_every_rule(self):
        UserFactory(username="xqwatcher", groups=["xqueue"])
        found, (sentence,) = self.ask("xqwatcher", **{USERNAMES: ["xqwatcher"], GROUPS: ["xqueue"]})
        assert found == [("username", "xqwatcher")]
        assert sentence == (
            "'xqwatcher' is exempt, by SINGLE_LOGIN_EXEMPT_USERNAMES: xqwatcher and by SINGLE_LOGIN_EXEMPT_GROUPS: "
            "xqueue: no login evicts its sessions."
        )

    def test_an_ordinary_account_and_what_would_make_it_exempt(self):
        UserFactory(username="honor")
        _, (sentence,) = self.ask("honor", **{GROUPS: ["xqueue", "services"]})
        assert sentence.startswith("'honor' is not exempt: its next login evicts its session on record.")
        assert "('services', 'xqueue')" in sentence
        assert USERNAMES in sentence
        assert GROUPS in self.ask("honor")[1][0]

    @ddt.data(({USERNAMES: ["honor"]}, f"{USERNAMES}: honor"), ({USERNAMES: ["other"]}, "no rule"), ({}, "no rule"))
    @ddt.unpack
    def test_what_is_not_in_force_is_said_instead_of_exempt(self, site, matched):
        UserFactory(username="honor")
        (sentence,) = self.ask("honor", is_on=False, **site)[1]
        assert sentence.startswith(f"'honor' matches {matched}. The exemptions are not in force: PREVENT_CONCURRENT_")
        with patch.object(user_logged_in, "receivers", []):
            (sentence,) = self.ask("honor", **site)[1]
        assert sentence.startswith(
            f"'honor' matches {matched}. The exemptions are not fully in force: enforce_single_login "
        )

    def test_an_account_is_exempt_although_the_check_is_not_in_force(self):
        UserFactory(username="honor")
        check = {"SINGLE_LOGIN_CHECK_EVERY_REQUEST": True, "SESSION_ENGINE": "django.contrib.sessions.backends.db"}
        (sentence,) = self.ask("honor", **check, **{USERNAMES: ["honor"]})[1]
        assert sentence.startswith("'honor' is exempt, by ")

    def test_an_account_is_found_by_its_number(self):
        user = UserFactory(username="honor")
        assert self.ask(str(user.pk))[0] == [("id", "honor")]

    def test_an_account_is_found_by_its_email_address_in_upper_or_lower_case(self):
        UserFactory(username="honor", email="Honor@example.com")
        found, (sentence,) = self.ask("honor@EXAMPLE.com")
        assert found == [("email", "honor")]
        assert sentence.startswith("'honor' is not exempt")

    def test_all_accounts_with_one_email_address_are_found(self):
        for username in ("honor", "verified"):
            UserFactory(username=username, email="both@example.com")
        UserFactory(username="both@example.com")
        found, sentences = self.ask("both@example.com")
        assert found == [("username", "both@example.com"), ("email", "honor"), ("email", "verified")]
        assert sentences[1].startswith("Found by its e-mail address: 'honor' is not exempt")

    def test_a_username_of_digits_comes_before_the_number(self):
        user = UserFactory(username="honor")
        UserFactory(username=str(user.pk))
        found, sentences = self.ask(str(user.pk))
        assert found == [("username", str(user.pk)), ("id", "honor")]
        assert sentences[0].startswith(f"Found by its username: '{user.pk}' is not exempt")
        assert sentences[1].startswith("Found by its number: 'honor' is not exempt")

    @ddt.data("", " ", "0", "9" * 18, "9" * 5000, "\u0661", "1.0", "-1", "HONOR", "@")
    def test_text_that_names_no_account_matches_none(self, wanted):
        UserFactory(username="honor", email="")
        assert self.ask(wanted) == ([], [])

    def test_a_close_username_is_suggested(self):
        UserFactory(username="honor")
        assert Report().suggest("HONOR").startswith("Did you mean 'honor'?")
