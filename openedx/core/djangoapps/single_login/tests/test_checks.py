"""The system checks."""

import os
import sys

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
from openedx.core.djangoapps.single_login.settings import (
    JWT_COOKIE_MIDDLEWARE,
    READER_OF_JWT_COOKIES,
    SESSION_ENGINE,
)
from openedx.core.djangoapps.single_login.settings import SESSION_CHECK_MIDDLEWARE as SESSION_CHECK

from .single_login_cases import protection

USERNAMES, GROUPS = "SINGLE_LOGIN_EXEMPT_USERNAMES", "SINGLE_LOGIN_EXEMPT_GROUPS"
CHECK = "SINGLE_LOGIN_CHECK_EVERY_REQUEST"


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
        (" xqwatcher", "starts or ends with white space"),
        (" ", "starts or ends with white space"),
        ("xq*", "no patterns"),
        ("xqwatcher?", "no patterns"),
        ("^xq", "no patterns"),
        ("one,two", "each entry is one name"),
        ("x" * 151, "is 151 characters long, but a name has at most 150"),
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
        for entry in ("a, *", "xqwatcher\t"):
            with protection(True, **{GROUPS: [entry]}):
                assert ids(run_checks()) == ["single_login.W001", "single_login.W001"]

    @ddt.data(
        ("xqw\u0430tcher", 4, "U+0430 CYRILLIC SMALL LETTER A"),
        ("\u03bfrder", 1, "U+03BF GREEK SMALL LETTER OMICRON"),
        ("xq\u200bwatcher", 3, "U+200B ZERO WIDTH SPACE"),
        ("\ufeffxqwatcher", 1, "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("turned\u202eround", 7, "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("two\xa0words", 4, "U+00A0 NO-BREAK SPACE"),
        ("xq\x00watcher", 3, "U+0000"),
        ("\uff58qwatcher", 1, "U+FF58 FULLWIDTH LATIN SMALL LETTER X"),
        ("Zoe\u0308", 4, "U+0308 COMBINING DIAERESIS"),
        ("xq\u2800", 3, "U+2800 BRAILLE PATTERN BLANK"),
    )
    @ddt.unpack
    def test_a_character_that_nobody_can_see_or_tell_apart_is_a_warning_that_names_it(self, entry, position, character):
        with protection(True, **{USERNAMES: [entry]}):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.is_serious()) == ("single_login.W001", False)
        assert "has a character that cannot be seen or looks like another" in message.msg
        assert message.hint.startswith(f"Character {position} is {character}. Correct it or remove it.")

    @ddt.data("Zoë", "Straße", "проверка", "оценка-2", "ΑΒΓ", "शिक्षक", "採点", "graders-採点", "two words")
    def test_names_in_any_one_alphabet_pass(self, entry):
        with protection(True, **{USERNAMES: [entry]}):
            assert ids(run_checks()) == []

    @ddt.data([], ["\ud800"], ["fine", "xq\udfffwatcher"])
    def test_half_a_surrogate_pair_is_an_error_and_not_a_crash(self, names):
        with protection(True, **{USERNAMES: names}):
            messages = run_checks(databases=["default"], tags=["single_login"])
            assert ids(messages) == ["single_login.E002"] * bool(names)
            assert [str(message).encode() for message in messages] or not names

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
        ("SINGLE_LOGIN_CHECK_EVERY_REQUESTS", CHECK),
        ("SINGLE_LOGIN_CHECK_EACH_REQUEST", CHECK),
        ("PREVENT_CONCURRENT_LOGIN", "PREVENT_CONCURRENT_LOGINS"),
        ("SQUELCH_PII_IN_LOG", "SQUELCH_PII_IN_LOGS"),
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
            assert message.msg.startswith(f"{place} has no effect: it is misspelt")
            assert f"Write {meant}, at the top level" in message.hint

    @ddt.data((USERNAMES, ["xqueue"]), (GROUPS, ["xqueue"]), (CHECK, True), (CHECK, "yes"))
    @ddt.unpack
    def test_a_setting_inside_features_is_a_warning(self, name, value):
        with override_settings(FEATURES={**settings.FEATURES, name: value}):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.msg.partition(" has ")[0]) == ("single_login.W002", f"FEATURES: {name}")
        assert f"Write {name}, at the top level" in message.hint

    @ddt.data(
        ({GROUPS: ["xqueue"]}, GROUPS),
        ({CHECK: True}, CHECK),
        ({"PREVENT_CONCURRENT_LOGINS": True}, "PREVENT_CONCURRENT_LOGINS"),
        ({"FEATURES": {"PREVENT_CONCURRENT_LOGINS": False}}, "FEATURES: PREVENT_CONCURRENT_LOGINS"),
        ({"FEATURES": {"SQUELCH_PII_IN_LOGS": False}}, "FEATURES: SQUELCH_PII_IN_LOGS"),
    )
    @ddt.unpack
    def test_a_setting_inside_another_mapping_is_a_warning_that_names_it(self, mapping, place):
        for wrapper in ("FEATURE", "ENV_TOKENS", "EDXAPP_ENV_EXTRA"):
            with protection(True, **{wrapper: mapping}):
                (message,) = run_checks(tags=["single_login"])
            assert (message.id, message.msg.partition(" has ")[0]) == ("single_login.W002", f"{wrapper}: {place}")
            assert f"Write {place.rpartition(' ')[2]}, at the top level" in message.hint

    def test_a_lower_case_key_of_the_platforms_file_is_a_warning(self):
        module = sys.modules[os.environ["DJANGO_SETTINGS_MODULE"]]
        for name, value, place, meant in (
            ("features", {"PREVENT_CONCURRENT_LOGINS": False}, "features: PREVENT_CONCURRENT_LOGINS", None),
            ("single_login_exempt_groups", ["xqueue"], "single_login_exempt_groups", GROUPS),
        ):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(module, name, value, raising=False)
                (message,) = run_checks(tags=["single_login"])
            assert (message.id, message.msg.partition(" has ")[0]) == ("single_login.W002", place)
            assert f"Write {meant or place.rpartition(' ')[2]}, at the top level" in message.hint

    def test_a_copy_of_the_whole_file_as_the_platform_keeps_it_is_no_warning(self):
        file = {GROUPS: ["xqueue"], "FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}, "LANGUAGE_CODE": "en"}
        with protection(True, **{GROUPS: ["xqueue"]}, ENV_TOKENS=file, AUTH_TOKENS=file):
            assert ids(run_checks()) == []

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

    def test_the_protection_in_the_lms_is_no_warning(self):
        with protection(True, SERVICE_VARIANT="lms"):
            assert ids(run_checks()) == []

    def test_they_are_among_the_security_checks(self):
        with protection(True, **{GROUPS: ["xq*"]}):
            assert ids(run_checks(tags=["security"])) == ["single_login.W001"]

    @ddt.data("signed_cookies", "cache", "cached_db", "db", "file")
    def test_a_session_engine_that_was_overridden_is_a_warning_with_the_check_at_every_request(self, engine):
        put_back = {"SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}", "MIDDLEWARE": [SESSION_CHECK]}
        with protection(True, **{CHECK: True}, **put_back):
            (message,) = run_checks(tags=["security", "single_login"])
        assert message.id == "single_login.W007"
        assert message.msg.startswith(f"{CHECK} is on, but not in place: SESSION_ENGINE is ")
        assert engine in message.msg
        assert "SINGLE_LOGIN_SITE_SESSION_ENGINE" in message.hint
        for is_on, is_asked_for in ((True, False), (False, True), (False, False)):
            with protection(is_on, **{CHECK: is_asked_for}, **put_back):
                assert ids(run_checks()) == []

    @ddt.data(
        (["sessions"], ["after the session middleware"]),
        (["check", "sessions"], ["after the session middleware"]),
        (["sessions", "check"], []),
        (["safe sessions", "other", "check"], []),
        (["check"], []),
        (["sessions", "check", "reader"], ["before 'edx_rest_framework_extensions"]),
        (["sessions", "check", "reader", "jwt"], ["before 'edx_rest_framework_extensions"]),
        (["sessions", "check", "jwt", "reader"], []),
        (["reader", "sessions"], ["after the session middleware", "before 'edx_rest_framework_extensions"]),
        ([], ["after the session middleware"]),
    )
    @ddt.unpack
    def test_missing_middleware_is_a_warning_with_the_check_at_every_request(self, names, problems):
        dotted = {
            "sessions": "django.contrib.sessions.middleware.SessionMiddleware",
            "safe sessions": "openedx.core.djangoapps.safe_sessions.middleware.SafeSessionMiddleware",
            "check": SESSION_CHECK,
            "reader": READER_OF_JWT_COOKIES,
            "jwt": JWT_COOKIE_MIDDLEWARE,
            "other": "django.middleware.common.CommonMiddleware",
        }
        site = {"MIDDLEWARE": [dotted[name] for name in names], "SESSION_ENGINE": SESSION_ENGINE}
        with protection(True, **{CHECK: True}, **site):
            messages = run_checks(tags=["single_login"])
        assert ids(messages) == ["single_login.W008"] * len(problems)
        for message, problem in zip(messages, problems, strict=True):
            assert message.msg.startswith(f"{CHECK} is on, but not in place: MIDDLEWARE lacks ")
            assert problem in message.msg
            assert "Let that file name it, directly " in message.hint
        for is_on, is_asked_for in ((True, False), (False, True)):
            with protection(is_on, **{CHECK: is_asked_for}, **site):
                assert ids(run_checks(tags=["single_login"])) == []

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
    def test_a_fault_is_an_error_with_the_same_words_as_at_start_up(self, faulty, number, hint):
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
    """Checks that read the database, which run only with ``--database``."""

    def test_names_that_match_nothing_are_reported_when_the_database_is_named(self):
        assert ids(run_checks(databases=["default"])) == ["single_login.W011", "single_login.W012"]

    def test_the_database_is_not_read_unless_it_is_named(self):
        with self.assertNumQueries(0):
            assert ids(run_checks()) == []
            assert ids(run_checks(tags=["single_login"], databases=["another"])) == []

    def test_names_that_match_pass(self):
        UserFactory(username="nobody", groups=["no-group"])
        assert ids(run_checks(databases=["default"])) == []

    def test_faulty_settings_are_reported_once(self):
        with override_settings(**{GROUPS: "xqueue"}):
            assert ids(run_checks(databases=["default"])) == ["single_login.E001"]

    def test_a_database_that_cannot_be_read_is_a_warning(self):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE auth_group RENAME TO auth_group_elsewhere")
            (message,) = run_checks(tags=["single_login"], databases=["default"])
            cursor.execute("ALTER TABLE auth_group_elsewhere RENAME TO auth_group")
        assert (message.id, message.is_serious()) == ("single_login.W010", False)
        assert "was not checked: no such table: auth_group" in message.msg
