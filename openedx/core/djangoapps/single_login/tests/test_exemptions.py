"""Who is exempt, by which rule, and which settings are valid."""

import unicodedata
from collections import ChainMap
from datetime import date
from itertools import product

import ddt
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, TestCase, override_settings
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.exemptions import (
    CHECK_EVERY_REQUEST,
    GROUPS,
    USERNAMES,
    Rule,
    exempting_rule,
    find_faults,
    get_exemptions,
    is_every_request_checked,
    is_pii_squelched,
    is_protection_on,
    still_exempts,
)

NAME = "xqwatcher"
SIMILAR = st.sampled_from(
    [
        NAME,
        NAME.upper(),
        NAME.title(),
        f"{NAME} ",
        f" {NAME}",
        NAME[:-1],
        NAME[1:],
        NAME * 2,
        "",
        "Zoë",
        unicodedata.normalize("NFD", "Zoë"),
        "ﬁnn",
        "finn",
        "ß",
        "ss",
        "*",
        "xq%",
    ]
)
NAMES = SIMILAR | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


class EqualsEverything(str):
    """A subclass of ``str`` that equals every string and has the hash of ``NAME``."""

    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash(NAME)


CONTAINERS = st.sampled_from([list, tuple, set, frozenset])


class ExactNamesTest(HypothesisTestCase):
    """Names match exactly."""

    @settings(deadline=None)
    @given(username=NAMES, configured=st.lists(NAMES.filter(bool), max_size=5), container=CONTAINERS)
    def test_exempt_by_username_only_if_the_list_has_exactly_that_name(self, username, configured, container):
        user = UserFactory.build(username=username)
        with override_settings(SINGLE_LOGIN_EXEMPT_USERNAMES=container(configured)):
            expected = Rule(USERNAMES, username) if username in list(configured) else None
            assert exempting_rule(user) == expected

    @settings(deadline=None)
    @given(
        member_of=st.lists(NAMES.filter(bool), max_size=3, unique=True),
        configured=st.lists(NAMES.filter(bool), max_size=5),
        container=CONTAINERS,
    )
    def test_exempt_by_group_only_if_the_list_has_exactly_one_of_the_groups(self, member_of, configured, container):
        user = UserFactory(username="member", groups=member_of)
        with override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=container(configured)):
            matching = [name for name in configured if name in member_of]
            rule = exempting_rule(user)
            assert (rule is not None) is bool(matching)
            assert rule is None or (rule.setting == GROUPS and rule.name in matching)


@ddt.ddt
class ExemptingRuleTest(TestCase):
    """The rule that exempts a user, and the queries to find it."""

    def setUp(self):
        super().setUp()
        self.user = UserFactory(username=NAME, groups=["xqueue", "graders", "others"])

    @ddt.data(
        ({}, None, 0),
        ({USERNAMES: [NAME]}, Rule(USERNAMES, NAME), 0),
        ({USERNAMES: [NAME], GROUPS: ["xqueue"]}, Rule(USERNAMES, NAME), 0),
        ({USERNAMES: ["other"]}, None, 0),
        ({GROUPS: ["xqueue"]}, Rule(GROUPS, "xqueue"), 1),
        ({GROUPS: ["xqueue", "graders", "staff"]}, Rule(GROUPS, "graders"), 1),
        ({USERNAMES: ["other"], GROUPS: ["staff"]}, None, 1),
    )
    @ddt.unpack
    def test_rule_and_number_of_queries(self, configured, rule, queries):
        with override_settings(**configured), self.assertNumQueries(queries):
            assert exempting_rule(self.user) == rule

    def test_rule_of_an_unknown_setting_exempts_nobody(self):
        assert still_exempts(Rule("SINGLE_LOGIN_EXEMPT_ROLES", "staff"), UserFactory()) is False

    def test_anonymous_user_is_never_exempt(self):
        with override_settings(**{USERNAMES: [NAME], GROUPS: ["xqueue"]}), self.assertNumQueries(0):
            assert exempting_rule(AnonymousUser()) is None

    def test_entry_that_equals_everything_exempts_only_its_own_name(self):
        for setting, name in ((USERNAMES, NAME), (GROUPS, "xqueue")):
            with override_settings(**{setting: [EqualsEverything("another")]}):
                assert exempting_rule(User.objects.get()) is None
            with override_settings(**{setting: [EqualsEverything(NAME), EqualsEverything("xqueue")]}):
                assert exempting_rule(User.objects.get()) == Rule(setting, name)

    def test_rule_is_kept_on_the_user_until_the_user_is_fetched_again(self):
        with override_settings(**{GROUPS: ["xqueue"]}):
            assert exempting_rule(self.user)
            self.user.groups.clear()
            with self.assertNumQueries(0):
                assert exempting_rule(self.user)
            assert exempting_rule(User.objects.get()) is None


@ddt.ddt
class SettingsTest(SimpleTestCase):
    """Valid and faulty values of the two lists."""

    @ddt.data(None, [], (), set(), frozenset())
    def test_none_and_empty_settings_exempt_nobody(self, value):
        with override_settings(**{USERNAMES: value, GROUPS: value}):
            assert get_exemptions() == {USERNAMES: frozenset(), GROUPS: frozenset()}

    def test_missing_settings_exempt_nobody(self):
        # These forget the settings that were parsed before.
        with override_settings(**{USERNAMES: ["a"], GROUPS: ["b"]}):
            delattr(django_settings, USERNAMES)
            delattr(django_settings, GROUPS)
            assert get_exemptions() == {USERNAMES: frozenset(), GROUPS: frozenset()}

    @ddt.data(
        "xqwatcher", b"xqwatcher", {"xqwatcher": True}, 1, 1.5, True, False, "", b"", {}, 0, (name for name in "ab")
    )
    def test_value_that_is_not_a_list_is_refused(self, value):
        for setting in (USERNAMES, GROUPS):
            with override_settings(**{setting: value}), self.assertRaises(ImproperlyConfigured) as raised:
                get_exemptions()
            assert f"{setting} must be a list" in str(raised.exception)

    @ddt.data(12345, True, False, None, "", b"xq", ["xq"], {"xq": 1}, 1.5, ("xq",))
    def test_entry_that_is_not_a_name_is_refused_with_its_position(self, entry):
        with override_settings(**{USERNAMES: ["fine", entry]}), self.assertRaises(ImproperlyConfigured) as raised:
            get_exemptions()
        assert f"{USERNAMES}: entry 2" in str(raised.exception)

    def test_all_faults_are_reported_in_one_message(self):
        faulty = {USERNAMES: ["fine", 1, None], GROUPS: "xqueue"}
        with override_settings(**faulty), self.assertRaises(ImproperlyConfigured) as raised:
            get_exemptions()
        message = str(raised.exception)
        for expected in (f"{USERNAMES}: entry 2", f"{USERNAMES}: entry 3", f"{GROUPS} must be a list", '["xqueue"]'):
            assert expected in message

    @ddt.data(
        ("xqwatcher", "xqwatcher"),
        ("service accounts", "service accounts"),
        ("Zoë", "Zoë"),
        ('["xqueue"]', "name"),
        ("xqueue, graders", "name"),
        (" ", "name"),
        ("xqueue ", "name"),
        ("", "name"),
        (83, "name"),
    )
    @ddt.unpack
    def test_hint_repeats_a_plain_word_and_else_uses_a_placeholder(self, value, example):
        (fault,) = find_faults({GROUPS: value})
        assert f'Write it as a list, even for one name: {GROUPS}: ["{example}"]' in fault

    @ddt.data(83, 31, 45045, 1000, date(2024, 1, 1), True, None, 1.5, "", ["a"])
    def test_fault_of_an_entry_shows_its_value_and_suggests_no_name(self, entry):
        (fault,) = find_faults({GROUPS: [entry]})
        assert f"but it is {'null' if entry is None else repr(entry)}." in fault
        assert '"' not in fault

    def test_each_fault_has_the_id_that_the_guide_explains(self):
        faulty = {USERNAMES: "xqwatcher", GROUPS: [1, ""], CHECK_EVERY_REQUEST: 1}
        assert [fault[-6:-1] for fault in find_faults(faulty)] == [".E001", ".E002", ".E002", ".E003"]

    @ddt.data("\ud800", "xq\udfffwatcher")
    def test_half_a_surrogate_pair_is_refused_in_a_message_that_can_be_printed(self, name):
        (fault,) = find_faults({USERNAMES: ["fine", name]})
        assert f"{USERNAMES}: entry 2 must be a name in quotes".encode() in fault.encode()

    @ddt.data("true", "no", 1, 0, [], "")
    def test_check_every_request_that_is_neither_true_nor_false_is_refused(self, value):
        with override_settings(**{CHECK_EVERY_REQUEST: value}), self.assertRaises(ImproperlyConfigured) as raised:
            get_exemptions()
        assert str(raised.exception).startswith(f"{CHECK_EVERY_REQUEST} must be true or false, but it is {value!r}.")

    @ddt.data((True, True), (False, False), (None, False))
    @ddt.unpack
    def test_check_every_request_that_is_null_means_false(self, value, is_on):
        with override_settings(**{CHECK_EVERY_REQUEST: value}):
            get_exemptions()
            assert is_every_request_checked() is is_on

    def test_fault_in_one_setting_exempts_nobody_by_the_other(self):
        user = UserFactory.build(username=NAME)
        with override_settings(**{USERNAMES: [NAME], GROUPS: "xqueue"}), self.assertRaises(ImproperlyConfigured):
            exempting_rule(user)

    def test_settings_are_parsed_once_until_one_of_them_changes(self):
        with override_settings(**{USERNAMES: [NAME]}):
            parsed = get_exemptions()
            assert get_exemptions() is parsed
            with override_settings(TIME_ZONE="Europe/Berlin"):
                assert get_exemptions() is parsed
            with override_settings(**{GROUPS: ["xqueue"]}):
                assert get_exemptions()[GROUPS] == {"xqueue"}
        assert get_exemptions()[USERNAMES] == frozenset()


@ddt.ddt
class FlagsTest(SimpleTestCase):
    """The two flags of the platform, read as the platform reads them."""

    FLAGS = (("PREVENT_CONCURRENT_LOGINS", is_protection_on), ("SQUELCH_PII_IN_LOGS", is_pii_squelched))

    @ddt.data(*product(("absent", False, True), repeat=2))
    @ddt.unpack
    def test_features_count_before_the_top_level(self, in_features, at_the_top):
        for flag, is_on in self.FLAGS:
            features, flat = ({} if value == "absent" else {flag: value} for value in (in_features, at_the_top))
            for form in (features, ChainMap(features)):
                with override_settings(FEATURES=form, **flat):
                    assert is_on() is (in_features if in_features != "absent" else at_the_top is True)

    def test_flag_at_the_top_level_needs_no_features(self):
        for flag, is_on in self.FLAGS:
            with override_settings(FEATURES=None):
                assert is_on() is False
            with override_settings():
                del django_settings.FEATURES
                assert is_on() is False
                with override_settings(**{flag: True}):
                    assert is_on() is True

    @ddt.data(("false", True), ("", False), (0, False), (1, True), (None, False), ([], False))
    @ddt.unpack
    def test_flag_that_is_not_a_boolean_counts_by_its_truth_and_is_never_refused(self, value, expected):
        for flag, is_on in self.FLAGS:
            for place in ({"FEATURES": {flag: value}}, {flag: value, "FEATURES": {}}):
                with override_settings(**place):
                    get_exemptions()
                    assert is_on() is expected
