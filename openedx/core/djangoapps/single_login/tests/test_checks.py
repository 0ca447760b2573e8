"""The system checks: what a deploy pipeline reads."""

import ddt
import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import SimpleTestCase, TestCase, override_settings

from common.djangoapps.student.tests.factories import UserFactory

from ..settings import JWT_COOKIE_MIDDLEWARE, READER_OF_JWT_COOKIES
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
        (" xqwatcher", "W001", "'xqwatcher'"),
        ("xqwatcher\t", "W001", "'xqwatcher'"),
        ("xq*", "W002", "no patterns"),
        ("xqwatcher?", "W002", "no patterns"),
        ("^xq", "W002", "no patterns"),
        ("one,two", "W003", "one name in each entry"),
        ("x" * 151, "W004", "150"),
    )
    @ddt.unpack
    def test_an_entry_that_can_match_nothing_is_a_warning(self, entry, number, hint):
        for setting in (USERNAMES, GROUPS):
            with protection(True, **{setting: ["fine", entry]}):
                (message,) = run_checks(tags=["single_login"])
            assert message.id == f"single_login.{number}"
            assert f"{setting}: entry 2, {entry!r}" in message.msg
            assert hint in message.hint
            assert not message.is_serious()

    def test_a_name_of_150_characters_passes(self):
        with protection(True, **{USERNAMES: ["x" * 150]}):
            assert ids(run_checks()) == []

    def test_an_entry_that_is_there_twice_is_a_warning(self):
        with protection(True, **{GROUPS: ["a", "b", "a"]}):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, "entry 3, 'a'" in message.msg) == ("single_login.W005", True)

    def test_exemptions_without_the_protection_are_a_warning(self):
        with protection(False, **{GROUPS: ["xqueue"]}):
            assert ids(run_checks()) == ["single_login.W006"]
        with protection(False):
            assert ids(run_checks()) == []

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
        ("xqwatcher", "E001", 'SINGLE_LOGIN_EXEMPT_GROUPS: ["xqwatcher"]'),
        (b"xqwatcher", "E001", "list"),
        ({"xqwatcher": 1}, "E001", "list"),
        (True, "E001", "list"),
        (["fine", 12345], "E002", "quotes"),
        (["fine", True], "E002", "booleans"),
        (["fine", None], "E002", "one name in each entry"),
        (["fine", ["nested"]], "E002", "one name in each entry"),
        (["fine", ""], "E003", "remove the entry"),
    )
    @ddt.unpack
    def test_a_fault_is_an_error_and_refuses_to_start_with_the_same_words(self, value, number, hint):
        with protection(True, **{GROUPS: value}):
            (message,) = run_checks(tags=["single_login"])
            with pytest.raises(ImproperlyConfigured) as refusal:
                apps.get_app_config("single_login").ready()
            with pytest.raises(SystemCheckError):
                call_command("check")
        assert message.id == f"single_login.{number}"
        assert message.is_serious()
        assert GROUPS in message.msg
        assert hint in message.hint
        for part in (message.id, message.msg, message.hint):
            assert part in str(refusal.value)

    def test_every_fault_is_an_error_of_its_own(self):
        with protection(True, **{USERNAMES: "xqwatcher", GROUPS: [1, ""]}):
            assert ids(run_checks()) == ["single_login.E001", "single_login.E002", "single_login.E003"]


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

    def test_a_database_without_tables_yet_is_let_be(self):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE auth_group RENAME TO auth_group_elsewhere")
            assert ids(run_checks(databases=["default"])) == []
            cursor.execute("ALTER TABLE auth_group_elsewhere RENAME TO auth_group")
