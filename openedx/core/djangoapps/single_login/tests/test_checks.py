"""The system checks: what a deploy pipeline reads."""

import ddt
import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import SimpleTestCase, TestCase, override_settings

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.settings import JWT_COOKIE_MIDDLEWARE, READER_OF_JWT_COOKIES

from .single_login_cases import protection

USERNAMES, GROUPS = "SINGLE_LOGIN_EXEMPT_USERNAMES", "SINGLE_LOGIN_EXEMPT_GROUPS"


def ids(messages):
    """Return the ids of this app's messages."""
    return [message.id for message in messages if message.id.startswith("single_login.")]


@ddt.ddt
class SettingsChecksTest(SimpleTestCase):
    """Checks of the settings alone. SimpleTestCase: a query fails the test."""

    @ddt.data(None, [], ["xqwatcher"], ("xqwatcher",), {"xqwatcher"}, frozenset({"xqwatcher", "other"}))
    def test_usable_settings_pass(self, value):
        with protection(True, **{USERNAMES: value, GROUPS: value}):
            assert ids(run_checks()) == []

    @ddt.data(
        (" xqwatcher", "begins or ends with white space"),
        ("xqwatcher\t", "begins or ends with white space"),
        (" ", "begins or ends with white space"),
        ("xq*", "no patterns"),
        ("xqwatcher?", "no patterns"),
        ("^xq", "no patterns"),
        ("one,two", "each entry is one name"),
        ("x" * 151, "is 151 characters long, and a name has at most 150"),
    )
    @ddt.unpack
    def test_an_entry_that_can_match_nothing_is_a_warning(self, entry, problem):
        for setting in (USERNAMES, GROUPS):
            with protection(True, **{setting: ["fine", entry]}):
                (message,) = run_checks(tags=["single_login"])
            assert message.id == "single_login.W001"
            assert message.msg.startswith(f"{setting}: entry 2, {entry!r}, ")
            assert problem in message.msg
            assert message.hint.startswith("Correct it or remove it.")
            assert not message.is_serious()

    def test_an_entry_with_two_problems_is_two_warnings(self):
        with protection(True, **{GROUPS: ["a, *"]}):
            assert ids(run_checks()) == ["single_login.W001", "single_login.W001"]

    def test_a_name_of_150_characters_passes(self):
        with protection(True, **{USERNAMES: ["x" * 150]}):
            assert ids(run_checks()) == []

    def test_an_entry_that_is_there_twice_is_a_warning(self):
        with protection(True, **{GROUPS: ["a", "b", "a"]}):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.msg) == ("single_login.W001", f"{GROUPS}: entry 3, 'a', is there twice.")

    @ddt.data(
        ("SINGLE_LOGIN_EXEMPT_GROUP", GROUPS),
        ("SINGLE_LOGIN_EXEMPT_USER", USERNAMES),
        ("SINGLE_LOGIN_EXEMPT_USERS", USERNAMES),
        ("SINGLE_LOGIN_EXEMPT_USERNAME", USERNAMES),
        ("SINGLE-LOGIN-EXEMPT-GROUPS", GROUPS),
        ("SINGLE_LOGIN_EXCEPT_GROUPS", GROUPS),
        ("PREVENT_CONCURRENT_LOGIN", "PREVENT_CONCURRENT_LOGINS"),
    )
    @ddt.unpack
    def test_a_misspelt_setting_is_a_warning_that_names_the_one_meant(self, name, meant):
        for misspelt, place in (
            ({name: ["xqueue"]}, name),
            ({"FEATURES": {**settings.FEATURES, name: ["xqueue"]}}, f"FEATURES: {name}"),
        ):
            with override_settings(**misspelt):
                (message,) = run_checks(tags=["single_login"])
            assert (message.id, message.is_serious()) == ("single_login.W002", False)
            assert message.msg.startswith(f"{place} is not read by anything")
            assert f"Write {meant}, at the top level" in message.hint

    @ddt.data(USERNAMES, GROUPS)
    def test_a_setting_inside_features_is_a_warning(self, name):
        with override_settings(FEATURES={**settings.FEATURES, name: ["xqueue"]}):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.msg.partition(" is ")[0]) == ("single_login.W002", f"FEATURES: {name}")
        assert f"Write {name}, at the top level" in message.hint

    def test_features_that_show_every_setting_are_no_warning(self):
        with override_settings(
            **{GROUPS: ["xqueue"]}, FEATURES={"PREVENT_CONCURRENT_LOGINS": True, GROUPS: ["xqueue"]}
        ):
            assert ids(run_checks()) == []

    def test_other_settings_with_similar_names_pass(self):
        with override_settings(SINGLE_SIGN_ON_GROUPS=[], MAX_CONCURRENT_LOGINS=1, FEATURES={1: True, "GROUPS": True}):
            assert ids(run_checks()) == []

    def test_exemptions_without_the_protection_are_a_warning(self):
        for exemption in ({GROUPS: ["xqueue"]}, {USERNAMES: ["xqwatcher"]}):
            with protection(False, **exemption):
                assert ids(run_checks()) == ["single_login.W006"]
        with protection(False):
            assert ids(run_checks()) == []

    @ddt.data({"SERVICE_VARIANT": "cms"}, {"ROOT_URLCONF": "cms.urls"})
    def test_the_protection_in_studio_is_a_warning(self, studio):
        with protection(True, **studio):
            assert ids(run_checks(tags=["single_login"])) == ["single_login.W003"]
        with protection(False, **studio):
            assert ids(run_checks(tags=["single_login"])) == []

    def test_the_protection_in_the_lms_is_none(self):
        with protection(True, SERVICE_VARIANT="lms"):
            assert ids(run_checks()) == []

    def test_they_are_among_the_security_checks(self):
        with protection(True, **{GROUPS: ["xq*"]}):
            assert ids(run_checks(tags=["security"])) == ["single_login.W001"]

    @ddt.data("signed_cookies", "cache", "cached_db", "db", "file")
    def test_a_session_engine_that_is_not_under_the_rule_is_a_warning(self, engine):
        put_back = {"SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}"}
        with protection(True, **put_back):
            (message,) = run_checks(tags=["security"])
        assert message.id == "single_login.W007"
        assert engine in message.msg
        assert "SINGLE_LOGIN_SITE_SESSION_ENGINE" in message.hint
        with protection(False, **put_back):
            assert ids(run_checks()) == []

    @ddt.data(
        (["reader"], ["single_login.W008"]),
        (["reader", "ours"], ["single_login.W008"]),
        (["ours", "reader"], []),
        ([], []),
    )
    @ddt.unpack
    def test_a_reader_of_jwt_cookies_without_our_middleware_in_front_of_it_is_a_warning(self, names, expected):
        middleware = [{"reader": READER_OF_JWT_COOKIES, "ours": JWT_COOKIE_MIDDLEWARE}[name] for name in names]
        with protection(True, MIDDLEWARE=middleware):
            assert ids(run_checks(tags=["security"])) == expected
        with protection(False, MIDDLEWARE=middleware):
            assert ids(run_checks(tags=["security"])) == []

    @ddt.data(
        ({GROUPS: "xqwatcher"}, "E001", 'SINGLE_LOGIN_EXEMPT_GROUPS: ["xqwatcher"]'),
        ({GROUPS: b"xqwatcher"}, "E001", "list"),
        ({GROUPS: {"xqwatcher": 1}}, "E001", "list"),
        ({GROUPS: True}, "E001", "list"),
        ({GROUPS: ["fine", 12345]}, "E002", "in quotes"),
        ({GROUPS: ["fine", True]}, "E002", "yes, no or null"),
        ({GROUPS: ["fine", None]}, "E002", "remove the entry"),
        ({GROUPS: ["fine", ["nested"]]}, "E002", "one name"),
        ({GROUPS: ["fine", ""]}, "E002", "remove the entry"),
        ({"PREVENT_CONCURRENT_LOGINS": "false"}, "E003", "without quotes"),
        ({"FEATURES": False}, "E003", "FEATURES: {PREVENT_CONCURRENT_LOGINS: true}"),
    )
    @ddt.unpack
    def test_a_fault_is_an_error_and_refuses_to_start_with_the_same_words(self, faulty, number, hint):
        with override_settings(**faulty):
            (message,) = run_checks(tags=["single_login"])
            with pytest.raises(ImproperlyConfigured) as refusal:
                apps.get_app_config("single_login").ready()
            with pytest.raises(SystemCheckError):
                call_command("check")
        assert message.id == f"single_login.{number}"
        assert message.is_serious()
        assert next(iter(faulty)) in message.msg
        assert hint in message.hint
        for part in (message.id, message.msg, message.hint):
            assert part in str(refusal.value)

    def test_every_fault_is_an_error_of_its_own(self):
        with protection(True, **{USERNAMES: "xqwatcher", GROUPS: [1, ""]}, PREVENT_CONCURRENT_LOGINS=1):
            assert ids(run_checks()) == [f"single_login.{number}" for number in ("E001", "E002", "E002", "E003")]


@override_settings(**{USERNAMES: ["nobody"], GROUPS: ["no-group"]})
class DatabaseChecksTest(TestCase):
    """Checks that read the database, when they are told to."""

    def test_names_that_match_nothing_are_reported_when_the_database_is_named(self):
        assert ids(run_checks(databases=["default"])) == ["single_login.W011", "single_login.W012"]

    def test_nothing_is_asked_of_the_database_otherwise(self):
        with self.assertNumQueries(0):
            assert ids(run_checks()) == []
            assert ids(run_checks(tags=["single_login"], databases=["another"])) == []

    def test_names_that_match_pass(self):
        UserFactory(username="nobody", groups=["no-group"])
        assert ids(run_checks(databases=["default"])) == []

    def test_faulty_settings_are_reported_once(self):
        with override_settings(**{GROUPS: "xqueue"}):
            assert ids(run_checks(databases=["default"])) == ["single_login.E001"]

    def test_what_could_not_be_read_is_said_to_be_unchecked(self):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE auth_group RENAME TO auth_group_elsewhere")
            (message,) = run_checks(tags=["single_login"], databases=["default"])
            cursor.execute("ALTER TABLE auth_group_elsewhere RENAME TO auth_group")
        assert (message.id, message.is_serious()) == ("single_login.W010", False)
        assert "was not checked: no such table: auth_group" in message.msg
