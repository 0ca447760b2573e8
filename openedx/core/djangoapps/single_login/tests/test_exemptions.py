"""Who is exempt, by which rule, and what the settings may hold."""

import unicodedata
from datetime import date
from itertools import product

import ddt
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, TestCase, override_settings
from edx_django_utils.monitoring import TelemetryBackend
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.exemptions import (
    GROUPS,
    USERNAMES,
    Rule,
    exempting_rule,
    find_faults,
    get_exemptions,
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
    """A string that some library made its own."""

    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash(NAME)


CONTAINERS = st.sampled_from([list, tuple, set, frozenset])


class DecisionOracleTest(HypothesisTestCase):
    """The decision is exact membership, and nothing else."""

    @settings(deadline=None)
    @given(username=NAMES, configured=st.lists(NAMES.filter(bool), max_size=5), container=CONTAINERS)
    def test_exempt_by_username_is_exact_membership(self, username, configured, container):
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
    def test_exempt_by_group_is_exact_membership_in_any_one(self, member_of, configured, container):
        user = UserFactory(username="member", groups=member_of)
        with override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=container(configured)):
            matching = [name for name in configured if name in member_of]
            rule = exempting_rule(user)
            assert (rule is not None) is bool(matching)
            assert rule is None or (rule.setting == GROUPS and rule.name in matching)


@ddt.ddt
class DecisionTest(TestCase):
    """Which rule, and at what cost."""

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
    def test_the_rule_and_the_queries_it_takes(self, configured, rule, queries):
        with override_settings(**configured), self.assertNumQueries(queries):
            assert exempting_rule(self.user) == rule

    def test_a_rule_of_no_setting_exempts_nobody(self):
        assert still_exempts(Rule("SINGLE_LOGIN_EXEMPT_ROLES", "staff"), UserFactory()) is False

    def test_an_anonymous_user_is_never_exempt(self):
        with override_settings(**{USERNAMES: [NAME], GROUPS: ["xqueue"]}), self.assertNumQueries(0):
            assert exempting_rule(AnonymousUser()) is None

    def test_a_name_of_a_class_that_equals_everything_exempts_nobody_else(self):
        for setting in (USERNAMES, GROUPS):
            with override_settings(**{setting: [EqualsEverything("another")]}):
                assert exempting_rule(self.user) is None
            with override_settings(**{setting: [EqualsEverything(NAME), EqualsEverything("xqueue")]}):
                assert exempting_rule(self.user) == Rule(setting, NAME if setting == USERNAMES else "xqueue")

    def test_an_exempt_group_of_another_name_does_not_match_by_pattern(self):
        Group.objects.create(name="xqueue2")
        with override_settings(**{GROUPS: ["xqueue2", "xq%", "*"]}):
            assert exempting_rule(self.user) is None


def faults(**configured):
    """Return the faults of these settings."""
    with override_settings(**configured):
        return find_faults()


@ddt.ddt
class SettingsTest(SimpleTestCase):
    """What the two settings may hold."""

    @ddt.data(None, [], (), set(), frozenset())
    def test_absent_none_and_empty_exempt_nobody(self, value):
        with override_settings(**{USERNAMES: value, GROUPS: value}):
            assert get_exemptions() == {USERNAMES: frozenset(), GROUPS: frozenset()}

    def test_settings_that_are_absent_exempt_nobody(self):
        with override_settings():
            delattr(django_settings, USERNAMES)
            delattr(django_settings, GROUPS)
            assert get_exemptions() == {USERNAMES: frozenset(), GROUPS: frozenset()}

    @ddt.data(
        "xqwatcher", b"xqwatcher", {"xqwatcher": True}, 1, 1.5, True, False, "", b"", {}, 0, (name for name in "ab")
    )
    def test_what_is_no_list_is_refused(self, value):
        for setting in (USERNAMES, GROUPS):
            with override_settings(**{setting: value}), self.assertRaises(ImproperlyConfigured) as raised:
                get_exemptions()
            assert f"{setting} must be a list" in str(raised.exception)

    @ddt.data(12345, True, False, None, "", b"xq", ["xq"], {"xq": 1}, 1.5, ("xq",))
    def test_an_entry_that_is_no_name_is_refused_by_its_position(self, entry):
        with override_settings(**{USERNAMES: ["fine", entry]}), self.assertRaises(ImproperlyConfigured) as raised:
            get_exemptions()
        assert f"{USERNAMES}: entry 2" in str(raised.exception)

    def test_all_faults_are_told_at_once(self):
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
    def test_the_advice_names_what_was_written_or_nothing(self, value, example):
        (fault,) = faults(**{GROUPS: value})
        assert fault.hint == f'Write it as a list, even for one name: {GROUPS}: ["{example}"]'

    @ddt.data(83, 31, 45045, 1000, date(2024, 1, 1), True, None, 1.5, "", ["a"])
    def test_an_entry_that_yaml_may_have_changed_is_told_without_a_guess_at_what_was_written(self, entry):
        (fault,) = faults(**{GROUPS: [entry]})
        assert f"but it is {'null' if entry is None else repr(entry)}." in fault.msg
        assert '"' not in fault.hint

    def test_a_faulty_setting_exempts_nobody_not_even_by_the_other_setting(self):
        user = UserFactory.build(username=NAME)
        with override_settings(**{USERNAMES: [NAME], GROUPS: "xqueue"}), self.assertRaises(ImproperlyConfigured):
            exempting_rule(user)

    def test_the_settings_are_parsed_once_until_one_changes(self):
        with override_settings(**{USERNAMES: [NAME]}):
            parsed = get_exemptions()
            assert get_exemptions() is parsed
            with override_settings(TIME_ZONE="Europe/Berlin"):
                assert get_exemptions() is parsed
            with override_settings(**{GROUPS: ["xqueue"]}):
                assert get_exemptions()[GROUPS] == {"xqueue"}
        assert get_exemptions()[USERNAMES] == frozenset()


class NoDict:
    """FEATURES as newer platforms have it: no dict, but it can be asked."""

    def __init__(self, **flags):
        self.get = flags.get


@ddt.ddt
class FlagsTest(SimpleTestCase):
    """The protection, and whether logs name names: in FEATURES, or at the top level; either is enough."""

    FLAGS = (("PREVENT_CONCURRENT_LOGINS", is_protection_on), ("SQUELCH_PII_IN_LOGS", is_pii_squelched))

    @ddt.data(*product((None, False, True), repeat=2))
    @ddt.unpack
    def test_on_in_either_place_is_on_and_absent_is_off(self, in_features, at_the_top):
        for flag, is_on in self.FLAGS:
            features, flat = ({} if value is None else {flag: value} for value in (in_features, at_the_top))
            for of_a_kind in (features, NoDict(**features)):
                with override_settings(FEATURES=of_a_kind, **flat):
                    assert is_on() is (True in (in_features, at_the_top))
                    assert find_faults() == []

    def test_a_platform_without_features_has_only_the_top_level(self):
        for flag, is_on in self.FLAGS:
            with override_settings(FEATURES=None):
                assert is_on() is False
            with override_settings():
                del django_settings.FEATURES
                assert is_on() is False
                with override_settings(**{flag: True}):
                    assert is_on() is True
                assert find_faults() == []

    @ddt.data("false", "", 0, 1, None, [])
    def test_what_is_neither_true_nor_false_is_a_fault_and_counts_as_on_until_then(self, value):
        for flag, is_on in self.FLAGS:
            for place in ({"FEATURES": {flag: value}}, {flag: value, "FEATURES": {}}):
                get_exemptions()
                with override_settings(**place):
                    (fault,) = find_faults()
                    assert is_on() is True
                    with self.assertRaises(ImproperlyConfigured):
                        get_exemptions()
                assert fault.msg.startswith(f"{flag} must be true or false, but it is ")

    def test_a_fault_that_a_platform_shows_in_both_places_is_told_once(self):
        with override_settings(FEATURES={"PREVENT_CONCURRENT_LOGINS": 1}, PREVENT_CONCURRENT_LOGINS=1):
            assert len(find_faults()) == 1

    @ddt.data(False, 0, True, "PREVENT_CONCURRENT_LOGINS", ["PREVENT_CONCURRENT_LOGINS"])
    def test_features_that_are_no_mapping_are_a_fault_and_unprotect_nobody(self, features):
        with override_settings(FEATURES=features):
            (fault,) = find_faults()
            assert is_protection_on() is True
            with self.assertRaises(ImproperlyConfigured):
                get_exemptions()
        assert f"FEATURES must be a mapping of features to true or false, but it is {features!r}" in fault.msg


class RecordingBackend(TelemetryBackend):
    """A telemetry backend, configured as an operator's own would be."""

    attributes = {}

    def set_attribute(self, key, value):
        self.attributes[key] = value

    def record_exception(self):
        """Nothing is made of exceptions."""

    def create_span(self, name, operation_name=None):
        """Nothing is made of spans."""

    def tag_root_span_with_error(self, exception):
        """Nothing is made of errors."""

    def set_local_root_span_name(self, name, group=None, priority=None):
        """Nothing is made of names."""


@ddt.ddt
class MonitoringTest(TestCase):
    """What the monitoring is told."""

    @ddt.data(
        ({USERNAMES: [NAME]}, True, USERNAMES),
        ({USERNAMES: [NAME]}, False, f"{USERNAMES}: {NAME}"),
        ({GROUPS: ["xqueue"]}, True, f"{GROUPS}: xqueue"),
        ({}, False, None),
    )
    @ddt.unpack
    def test_an_exempted_login_sets_monitoring_attributes(self, configured, squelch, rule):
        user = UserFactory(username=NAME, groups=["xqueue"])
        features = {"PREVENT_CONCURRENT_LOGINS": True, "SQUELCH_PII_IN_LOGS": squelch}
        backend = f"{RecordingBackend.__module__}.{RecordingBackend.__name__}"
        RecordingBackend.attributes.clear()
        with override_settings(FEATURES=features, OPENEDX_TELEMETRY=[backend], **configured):
            self.client.force_login(user)
        expected = {} if rule is None else {"single_login_exempt": True, "single_login_rule": rule}
        assert RecordingBackend.attributes == expected
