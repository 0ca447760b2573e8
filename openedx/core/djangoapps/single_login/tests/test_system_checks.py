"""The system checks."""

import io
import os
import sys
from itertools import product
from unittest.mock import patch

import ddt
import pytest
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import SimpleTestCase, TestCase, override_settings

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.exemptions import CHECK_EVERY_REQUEST as EVERY_REQUEST
from openedx.core.djangoapps.single_login.exemptions import GROUPS, USERNAMES
from openedx.core.djangoapps.single_login.operators.report import Report
from openedx.core.djangoapps.single_login.settings import (
    JWT_COOKIE_MIDDLEWARE,
    PLATFORM_JWT_MIDDLEWARE,
    SESSION_ENGINE,
)
from openedx.core.djangoapps.single_login.settings import SESSION_CHECK_MIDDLEWARE as SESSION_CHECK

from .single_login_cases import protection


def ids(messages):
    """Return the ids of this app's messages."""
    return [message.id for message in messages if message.id.startswith("single_login.")]


def check(*args):
    """Run ``check`` for this app. Return its output."""
    stderr = io.StringIO()
    call_command("check", "--tag=single_login", *args, stdout=stderr, stderr=stderr)
    return stderr.getvalue()


def without_receivers(signal):
    """Disconnect every receiver of ``signal`` while the test runs."""
    return patch.object(signal, "receivers", [])


@ddt.ddt
class SettingsChecksTest(SimpleTestCase):
    """System checks of the settings alone. SimpleTestCase: a query fails the test."""

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
    def test_an_odd_character_is_a_warning_that_names_it(self, entry, position, character):
        with protection(True, **{USERNAMES: [entry]}):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.is_serious()) == ("single_login.W001", False)
        assert "has a character that cannot be seen or looks like another" in message.msg
        assert message.hint.startswith(f"Character {position} is {character}. Correct it or remove it.")

    @ddt.data("Zoë", "Straße", "проверка", "оценка-2", "ΑΒΓ", "शिक्षक", "採点", "graders-採点", "two words")
    def test_names_in_any_one_alphabet_pass(self, entry):
        with protection(True, **{USERNAMES: [entry]}):
            assert ids(run_checks()) == []

    @ddt.data(
        "{{ GROUP }}",
        "{{GROUP}}",
        "{% if x %}",
        "xqueue-{{ ENV }}",
        "{GROUP}",
        "${GROUP}",
        "$(GROUP)",
        "$GROUP",
        "<no value>",
        "<nil>",
        "<your group>",
        "None",
        "none",
        "null",
        "NULL",
        "undefined",
        " None ",
    )
    def test_a_placeholder_is_a_warning_and_is_not_called_a_wildcard(self, entry):
        with protection(True, **{GROUPS: [entry]}):
            messages = [message.msg for message in run_checks(tags=["single_login"])]
        assert [message for message in messages if "is a template that was not filled in, or a word for" in message]
        assert not [message for message in messages if "wildcard" in message]

    @ddt.data("Nonet", "nullable", "none of them", "a < b > c", "NoneType", "x{y", "undefined behaviour", "A=B")
    def test_a_name_that_only_resembles_a_placeholder_passes(self, entry):
        with protection(True, **{GROUPS: [entry]}):
            assert ids(run_checks()) == []

    def test_a_name_of_150_characters_passes(self):
        with protection(True, **{USERNAMES: ["x" * 150]}):
            assert ids(run_checks()) == []

    def test_an_entry_that_is_there_twice_is_a_warning(self):
        with protection(True, **{GROUPS: ["a", "b", "a"]}):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.msg) == ("single_login.W001", f"{GROUPS}: entry 3, 'a', is there twice.")

    @ddt.data(
        "SINGLE_LOGIN_EXEMPT_GROUP",
        "SINGLE_LOGIN_EXEMPT_USERS",
        "SINGLE_LOGIN_CHECK_EACH_REQUEST",
        "SINGLE_LOGIN_",
        "SINGLE_LOGIN_ANYTHING",
    )
    def test_an_unknown_name_that_begins_as_ours_is_a_warning(self, name):
        with override_settings(**{name: ["xqueue"]}):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.is_serious()) == ("single_login.W002", False)
        assert message.msg == f"{name} has no effect: this app has no such setting."
        assert f"Write one of {USERNAMES}, {GROUPS}, {EVERY_REQUEST}, in upper case" in message.hint

    @ddt.data(USERNAMES, GROUPS, EVERY_REQUEST)
    def test_a_setting_in_lower_case_is_a_warning_that_names_the_one_meant(self, setting):
        module = sys.modules[os.environ["DJANGO_SETTINGS_MODULE"]]
        for name in (setting.lower(), setting.title()):
            with patch.object(module, name, ["xqueue"], create=True):
                (message,) = run_checks(tags=["single_login"])
            assert (message.id, message.msg) == (
                "single_login.W002",
                f"{name} has no effect: this app has no such setting.",
            )
            assert message.hint.startswith(f"Write {setting}, in upper case and at the top level")

    @ddt.data(
        "ACME_CMS_PREVENT_CONCURRENT_LOGINS",
        "ACME_SINGLE_LOGIN_EXEMPT_GROUPS",
        "SINGLE_SIGN_ON_GROUPS",
        "PREVENT_CONCURRENT_LOGIN",
        "MAX_CONCURRENT_LOGINS",
        "SINGLELOGIN_GROUPS",
    )
    def test_a_setting_of_another_app_is_never_one_of_ours(self, name):
        for place in ({name: True}, {"FEATURES": {**settings.FEATURES, name: True}}, {"ACME": {name: True}}):
            with override_settings(**{GROUPS: ["xqueue"], **place}):
                assert ids(run_checks()) == []

    @ddt.data((USERNAMES, ["xqueue"]), (GROUPS, ["xqueue"]), (EVERY_REQUEST, True), (EVERY_REQUEST, "yes"))
    @ddt.unpack
    def test_a_setting_inside_another_mapping_is_a_warning(self, name, value):
        for outer in ("FEATURES", "ENV_TOKENS", "EDXAPP_ENV_EXTRA"):
            inside = {**getattr(settings, outer, {}), name: value}
            with override_settings(**{outer: inside}):
                (message,) = run_checks(tags=["single_login"])
            assert (message.id, message.is_serious()) == ("single_login.W002", False)
            assert message.msg == f"{outer}: {name} has no effect: it is inside another setting."
            assert f"Write {name} at the top level" in message.hint

    @ddt.data(["xqueue", "a"], ("a", "xqueue"), {"xqueue", "a"})
    def test_a_copy_of_all_settings_is_no_warning(self, value):
        copy = {GROUPS: ["xqueue", "a"], EVERY_REQUEST: None, "FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}}
        with protection(True, **{GROUPS: value}, ENV_TOKENS=copy, AUTH_TOKENS=copy):
            assert ids(run_checks()) == []

    def test_features_that_show_every_setting_are_no_warning(self):
        features = {"PREVENT_CONCURRENT_LOGINS": True, GROUPS: ["xqueue"], 1: True}
        with override_settings(**{GROUPS: ["xqueue"]}, FEATURES=features):
            assert ids(run_checks()) == []

    @ddt.data(1, 0, "true", "", None, [])
    def test_a_flag_that_is_neither_true_nor_false_is_a_warning(self, value):
        for flag in ("PREVENT_CONCURRENT_LOGINS", "SQUELCH_PII_IN_LOGS"):
            for place, written in (({"FEATURES": {flag: value}}, f"FEATURES: {flag}"), ({flag: value}, flag)):
                with override_settings(**{"FEATURES": {}, GROUPS: ["xqueue"], **place}):
                    warnings = [m for m in run_checks(tags=["single_login"]) if m.id == "single_login.W009"]
                (message,) = warnings
                reads = "true" if value else "false"
                assert message.msg == f"{written} is {value!r}. The platform reads this as {reads}."
                assert not message.is_serious()

    @ddt.data((False, True), (True, False))
    @ddt.unpack
    def test_a_flag_with_two_values_is_a_warning_that_says_which_counts(self, in_features, at_the_top):
        flag = "PREVENT_CONCURRENT_LOGINS"
        with protection(in_features, **{GROUPS: ["xqueue"], flag: at_the_top}):
            messages = {message.id: message.msg for message in run_checks(tags=["single_login"])}
        assert messages["single_login.W009"] == (
            f"FEATURES: {flag} is {in_features} and {flag} is {at_the_top}. "
            f"The platform reads this as {str(in_features).lower()}."
        )
        assert ("single_login.W006" in messages) is not in_features

    def test_a_flag_with_one_value_in_both_places_passes(self):
        with protection(True, **{GROUPS: ["xqueue"]}, PREVENT_CONCURRENT_LOGINS=True):
            assert ids(run_checks()) == []

    def test_nothing_is_said_while_nothing_is_set(self):
        unclear = {"PREVENT_CONCURRENT_LOGINS": "yes", "SERVICE_VARIANT": "cms"}
        with protection(False, **unclear), without_receivers(user_logged_in), without_receivers(user_logged_out):
            assert ids(run_checks()) == []

    def test_exemptions_without_the_protection_are_not_in_force(self):
        for exemption in ({GROUPS: ["xqueue"]}, {USERNAMES: ["xqwatcher"]}):
            with protection(False, **exemption):
                (message,) = run_checks(tags=["single_login"])
            assert message.id == "single_login.W006"
            assert message.msg.startswith("The exemptions are not in force: PREVENT_CONCURRENT_LOGINS is off,")

    @ddt.data(
        ({GROUPS: ["xqueue"]}, "The exemptions are not in force: "),
        ({EVERY_REQUEST: True}, "The check at every request is not in force: "),
        ({EVERY_REQUEST: True, GROUPS: ["a"]}, "The exemptions and the check at every request are not in force: "),
    )
    @ddt.unpack
    def test_a_receiver_that_is_not_found_is_a_warning(self, site, expected):
        with (
            protection(True, **site, SESSION_ENGINE=SESSION_ENGINE, MIDDLEWARE=[SESSION_CHECK]),
            without_receivers(user_logged_in),
            without_receivers(user_logged_out),
        ):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.is_serious()) == ("single_login.W004", False)
        assert message.msg.startswith(f"{expected}the app `student` has no ")

    @ddt.data(
        *product(
            [
                (user_logged_in, "user_logged_out", "user_logged_in"),
                (user_logged_out, "user_logged_in", "user_logged_out"),
            ],
            [
                ({GROUPS: ["xqueue"]}, "The exemptions are not fully in force"),
                ({EVERY_REQUEST: True}, "The check at every request is not in force"),
                (
                    {EVERY_REQUEST: True, GROUPS: ["xqueue"]},
                    "The exemptions are not fully in force, and the check at every request is not in force",
                ),
            ],
        )
    )
    @ddt.unpack
    def test_a_receiver_that_is_found_on_one_signal_is_a_warning(self, receivers, level):
        (signal, found, missing), (site, expected) = receivers, level
        parts = {"SESSION_ENGINE": SESSION_ENGINE, "MIDDLEWARE": [SESSION_CHECK]}
        with protection(True, **site, **parts), without_receivers(signal):
            (message,) = run_checks(tags=["single_login"])
        assert (message.id, message.is_serious()) == ("single_login.W005", False)
        assert message.msg == f"{expected}: enforce_single_login is connected to {found}, but not to {missing}."

    def test_what_is_not_in_force_stops_a_pipeline_that_fails_on_warnings(self):
        with protection(False, **{GROUPS: ["xqueue"]}):
            assert "single_login.W006" in check()
            with pytest.raises(SystemCheckError, match=r"single_login\.W006"):
                check("--fail-level=WARNING")

    def test_a_silenced_warning_is_counted_and_not_shown(self):
        with protection(True, **{GROUPS: ["a*", "b"]}, SILENCED_SYSTEM_CHECKS=["single_login.W001"]):
            printed = check("--fail-level=WARNING")
        assert printed == "System check identified no issues (1 silenced).\n"

    @ddt.data({"SERVICE_VARIANT": "cms"}, {"ROOT_URLCONF": "cms.urls"})
    def test_the_protection_in_studio_is_a_warning(self, studio):
        with protection(True, **studio, **{GROUPS: ["xqueue"]}):
            assert ids(run_checks(tags=["single_login"])) == ["single_login.W003"]
        with protection(False, **studio, **{GROUPS: ["xqueue"]}):
            assert ids(run_checks(tags=["single_login"])) == ["single_login.W006"]

    def test_the_protection_in_the_lms_is_no_warning(self):
        with protection(True, SERVICE_VARIANT="lms", **{GROUPS: ["xqueue"]}):
            assert ids(run_checks()) == []

    def test_system_checks_of_the_settings_are_among_those_of_security(self):
        with protection(True, **{GROUPS: ["xq*"]}):
            assert ids(run_checks(tags=["security"])) == ["single_login.W001"]

    @ddt.data("signed_cookies", "cache", "cached_db", "db", "file")
    def test_a_session_engine_put_back_by_a_later_file_is_a_warning(self, engine):
        put_back = {"SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}", "MIDDLEWARE": [SESSION_CHECK]}
        with protection(True, **{EVERY_REQUEST: True}, **put_back):
            (message,) = run_checks(tags=["security", "single_login"])
        assert message.id == "single_login.W007"
        assert message.msg.startswith("The check at every request is not in force: SESSION_ENGINE is ")
        assert engine in message.msg
        assert "SINGLE_LOGIN_SITE_SESSION_ENGINE" in message.hint
        with protection(True, **{EVERY_REQUEST: False, GROUPS: ["xqueue"]}, **put_back):
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
    def test_middleware_that_a_later_file_leaves_out_is_a_warning(self, names, problems):
        dotted = {
            "sessions": "django.contrib.sessions.middleware.SessionMiddleware",
            "safe sessions": "openedx.core.djangoapps.safe_sessions.middleware.SafeSessionMiddleware",
            "check": SESSION_CHECK,
            "reader": PLATFORM_JWT_MIDDLEWARE,
            "jwt": JWT_COOKIE_MIDDLEWARE,
            "other": "django.middleware.common.CommonMiddleware",
        }
        site = {"MIDDLEWARE": [dotted[name] for name in names], "SESSION_ENGINE": SESSION_ENGINE}
        with protection(True, **{EVERY_REQUEST: True}, **site):
            messages = run_checks(tags=["single_login"])
        assert ids(messages) == ["single_login.W008"] * len(problems)
        for message, problem in zip(messages, problems, strict=True):
            assert message.msg.startswith("The check at every request is not fully in force: MIDDLEWARE lacks ")
            assert problem in message.msg
            assert "Let that file name it, directly " in message.hint
        with protection(True, **{EVERY_REQUEST: False, GROUPS: ["xqueue"]}, **site):
            assert ids(run_checks(tags=["single_login"])) == []

    @ddt.data(None, [1, 2])
    def test_middleware_that_a_later_file_makes_unusable_is_a_warning(self, middleware):
        with protection(True, **{EVERY_REQUEST: True}, MIDDLEWARE=middleware, SESSION_ENGINE=SESSION_ENGINE):
            assert ids(run_checks(tags=["single_login"])) == ["single_login.W008"]


@override_settings(**{USERNAMES: ["nobody"], GROUPS: ["no-group"]})
class DatabaseChecksTest(TestCase):
    """System checks that read the database, which run only with ``--database``."""

    def test_names_that_match_nothing_are_reported_when_the_database_is_named(self):
        assert ids(run_checks(databases=["default"])) == ["single_login.W011", "single_login.W012"]

    def test_the_database_is_not_read_unless_it_is_named(self):
        with self.assertNumQueries(0):
            assert ids(run_checks()) == []
            assert ids(run_checks(tags=["single_login"], databases=["another"])) == []

    def test_names_that_match_pass(self):
        UserFactory(username="nobody", groups=["no-group"])
        assert ids(run_checks(databases=["default"])) == []

    def test_system_checks_find_what_the_command_finds_in_the_database(self):
        UserFactory(username="nobody", is_staff=True, is_superuser=True)
        for number in range(21):
            UserFactory(groups=["no-group"], is_active=number > 0)
        found = ids(run_checks(databases=["default"]))
        assert found == [f"single_login.{number}" for number in ("W013", "W014", "W015", "W016")]
        assert found == [finding.id for finding in Report().findings]

    def test_silenced_findings_of_the_database_stop_no_pipeline(self):
        UserFactory(username="nobody", is_staff=True, groups=["no-group"])
        with override_settings(SILENCED_SYSTEM_CHECKS=["single_login.W014"]):
            assert "1 silenced" in check("--database=default", "--fail-level=WARNING")

    def test_a_database_that_cannot_be_read_is_a_warning(self):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE auth_group RENAME TO auth_group_elsewhere")
            (message,) = run_checks(tags=["single_login"], databases=["default"])
            cursor.execute("ALTER TABLE auth_group_elsewhere RENAME TO auth_group")
        assert (message.id, message.is_serious()) == ("single_login.W010", False)
        assert "was not checked: no such table: auth_group" in message.msg
