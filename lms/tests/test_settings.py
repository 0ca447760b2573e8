"""lms.yml, the production settings and manage.py."""

import os
import re
import runpy
import sys
from multiprocessing import cpu_count
from unittest.mock import patch

import ddt
import pytest
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import SimpleTestCase, TestCase, override_settings

import manage
from lms.envs import yaml_config
from openedx.core.djangoapps.single_login.exemptions import (
    CHECK_EVERY_REQUEST,
    GROUPS,
    PROTECTION,
    SQUELCH,
    USERNAMES,
    get_exemptions,
    is_pii_squelched,
    is_protection_on,
)
from openedx.core.djangoapps.single_login.tests.manage_process import REPO_ROOT, run_manage

SECRET_KEY = "SECRET_KEY: a-long-random-string-of-this-very-test\n"
SETTINGS_OF_SINGLE_LOGIN = (USERNAMES, GROUPS, CHECK_EVERY_REQUEST, PROTECTION, SQUELCH, "FEATURES")


class ProductionSettingsTestCase(SimpleTestCase):
    """Runs the production settings on an lms.yml, in this process."""

    @pytest.fixture(autouse=True)
    def _lms_cfg(self, tmp_path, monkeypatch):
        self.lms_cfg = tmp_path / "lms.yml"
        monkeypatch.setenv("LMS_CFG", str(self.lms_cfg))
        yield
        yaml_config.ignored_keys.clear()

    def read_settings(self, text):
        """Return the production settings by name, with ``text`` as the lms.yml."""
        self.lms_cfg.write_text(text, encoding="utf-8")
        module = runpy.run_module("lms.envs.production", alter_sys=True)
        return {name: value for name, value in module.items() if name.isupper()}

    def use_settings(self, text):
        """Take the settings of single login from an lms.yml with ``text``, and validate them as a process does."""
        settings = self.read_settings(SECRET_KEY + text)
        own = {name: settings[name] for name in SETTINGS_OF_SINGLE_LOGIN if name in settings}
        self.enterContext(override_settings(**own))
        get_exemptions()

    def refusal(self, text):
        """Return the message with which a process refuses to start."""
        with pytest.raises(ImproperlyConfigured) as raised:
            self.use_settings(text)
        return str(raised.value)


@ddt.ddt
class LmsYmlTest(ProductionSettingsTestCase):
    """From the text of an lms.yml to settings, or to a refusal."""

    @ddt.data(
        ("a_bare_string", f"{USERNAMES}: xqwatcher", [f"{USERNAMES} must be a list", "'xqwatcher'", '["xqwatcher"]']),
        ("a_bare_string_for_a_group", f"{GROUPS}: xqueue", [f"{GROUPS} must be a list of group names", '["xqueue"]']),
        ("bytes", f"{USERNAMES}: !!binary eHF3", [f"{USERNAMES} must be a list", "b'xqw'"]),
        ("a_mapping", f"{USERNAMES}: {{xqwatcher: yes}}", [f"{USERNAMES} must be a list", "{'xqwatcher': True}"]),
        ("a_number", f"{USERNAMES}: 0123", [f"{USERNAMES} must be a list", "it is 83."]),
        ("a_boolean", f"{GROUPS}: yes", [f"{GROUPS} must be a list", "it is True."]),
        ("a_quoted_list", f"{USERNAMES}: '[\"a\"]'", [f"{USERNAMES} must be a list", f'{USERNAMES}: ["name"]']),
        ("a_nested_list", f"{USERNAMES}: [a, [b]]", [f"{USERNAMES}: entry 2", "it is ['b']."]),
        ("a_list_in_itself", f"{USERNAMES}: &a [*a]", [f"{USERNAMES}: entry 1 must be a name in quotes"]),
        ("an_entry_that_is_a_number", f"{USERNAMES}: [12345]", [f"{USERNAMES}: entry 1", "it is 12345."]),
        ("an_octal_number", f"{USERNAMES}:\n- a\n- 0123", [f"{USERNAMES}: entry 2", "it is 83.", "in quotes"]),
        ("a_date", f"{GROUPS}: [2024-01-01]", [f"{GROUPS}: entry 1", "it is datetime.date(2024, 1, 1).", "in quotes"]),
        ("an_entry_that_is_a_boolean", f"{USERNAMES}: [a, b, yes]", [f"{USERNAMES}: entry 3", "it is True."]),
        ("an_entry_that_is_null", f"{GROUPS}: [null]", [f"{GROUPS}: entry 1", "it is null."]),
        ("an_entry_that_is_nothing", f"{GROUPS}:\n-", [f"{GROUPS}: entry 1", "it is null."]),
        ("an_empty_entry", f"{GROUPS}: [xqueue, '']", [f"{GROUPS}: entry 2", "it is ''."]),
        (
            "several_faults_at_once",
            f"{USERNAMES}: [1, a, null]\n{GROUPS}: xqueue",
            [f"{USERNAMES}: entry 1", f"{USERNAMES}: entry 3", f"{GROUPS} must be a list"],
        ),
        ("features_and_names", f"{USERNAMES}: x\nFEATURES: false", [f"{USERNAMES} must be", "FEATURES must be"]),
        ("features_that_are_a_list", "FEATURES: [a]", ["FEATURES must be a mapping", "['a']"]),
        ("features_that_are_false", "FEATURES: false", ["FEATURES must be a mapping", "False"]),
        ("features_that_are_0", "FEATURES: 0", ["FEATURES must be a mapping", "0"]),
        ("a_protection_in_quotes", f"{PROTECTION}: 'false'", [f"{PROTECTION} must be true or false", "'false'"]),
        ("a_protection_that_is_nothing", f"{PROTECTION}:", [f"{PROTECTION} must be true or false", "null"]),
        ("a_misspelt_true", f"FEATURES: {{{SQUELCH}: ture}}", [f"{SQUELCH} must be true or false", "'ture'"]),
        ("a_check_in_quotes", f"{CHECK_EVERY_REQUEST}: 'no'", [f"{CHECK_EVERY_REQUEST} must be true", "'no'"]),
        (
            "a_protection_that_contradicts_itself",
            f"{PROTECTION}: false\nFEATURES: {{{PROTECTION}: true}}",
            [f"{PROTECTION} and FEATURES: {PROTECTION} contradict each other"],
        ),
        (
            "names_in_logs_that_contradict_themselves",
            f"{SQUELCH}: true\nFEATURES: {{{SQUELCH}: false}}",
            [f"{SQUELCH} and FEATURES: {SQUELCH} contradict each other"],
        ),
        (
            "a_key_that_stands_twice",
            f"{GROUPS}: [xqueue]\nFEATURES: {{}}\n{GROUPS}: [others]",
            [f"{GROUPS} stands twice, in lines 2 and 4", "keep one"],
        ),
        ("two_ways_to_write_a_key", "SITE:\n  1: a\n  0x1: b", ["0x1 stands twice, in lines 3 and 4"]),
        (
            "keys_that_stand_twice_inside_others",
            "FEATURES:\n  A: 1\n  A: 2\nCACHES: [{B: 1,\nB: 2}]",
            ["A stands twice, in lines 3 and 4", "B stands twice, in lines 5 and 6"],
        ),
    )
    @ddt.unpack
    def test_the_process_refuses_to_start_with(self, case, text, expected):
        refusal = self.refusal(text)
        for words in expected:
            assert words in refusal, case

    @ddt.data(
        ("no_secret_key", "LANGUAGE_CODE: en", "SECRET_KEY is missing"),
        ("an_empty_file", "", "SECRET_KEY is missing"),
        ("a_list", "- a", "must hold settings by name"),
        ("a_number_as_a_key", "1: a", "must hold settings by name"),
        ("broken_yaml", "a: [", "is not valid YAML"),
        ("a_day_that_never_was", f"{USERNAMES}: [2024-13-45]", "is not valid YAML: month must be in 1..12"),
    )
    @ddt.unpack
    def test_the_refusal_names_the_file_with(self, case, text, expected):
        with pytest.raises(ImproperlyConfigured, match=re.escape(expected)) as raised:
            self.read_settings(text)
        assert str(self.lms_cfg) in str(raised.value), case

    def test_a_file_that_is_nested_too_deeply_is_refused(self):
        for opening, closing in ("[]", ("{A: ", "}")):
            refusal = self.refusal(f"SITE: {opening * 500}{closing * 500}\n")
            assert refusal == f"{self.lms_cfg} is nested too deeply."

    @ddt.data((None, "LMS_CFG is not set"), ("/nowhere/lms.yml", "/nowhere/lms.yml cannot be read"))
    @ddt.unpack
    def test_production_needs_an_lms_yml(self, path, expected):
        with pytest.raises(ImproperlyConfigured, match=expected):
            yaml_config.read(path)

    def test_every_upper_case_key_becomes_a_setting(self):
        settings = self.read_settings(
            f"{SECRET_KEY}{GROUPS}: [xqueue]\n{USERNAMES}:\n  - '12345'\nSITE_NAME: example\n"
        )
        assert (settings[GROUPS], settings[USERNAMES], settings["SITE_NAME"]) == (["xqueue"], ["12345"], "example")
        assert yaml_config.check_keys() == []

    @ddt.data(*(f"{setting}:{null}" for setting in (USERNAMES, GROUPS) for null in (" null", " ~", "")))
    def test_null_exempts_nobody(self, text):
        self.use_settings(text)
        assert get_exemptions() == {USERNAMES: frozenset(), GROUPS: frozenset()}

    @ddt.data(
        ("[b, c]", {"b", "c"}),
        ("[]", set()),
        ("null", set()),
        ("", set()),
    )
    @ddt.unpack
    def test_a_value_replaces_a_merged_one(self, value, expected):
        self.use_settings(f"BASE: &base\n  {USERNAMES}: [a]\n  {GROUPS}: [d]\n<<: *base\n{USERNAMES}: {value}\n")
        assert get_exemptions() == {USERNAMES: expected, GROUPS: {"d"}}

    def test_a_fault_in_a_value_that_replaces_a_merged_one_is_one_message(self):
        refusal = self.refusal(f"BASE: &base\n  {USERNAMES}: [a]\n<<: *base\n{USERNAMES}: [yes]\n")
        assert refusal.startswith(f"{USERNAMES}: entry 1 must be a name in quotes, but it is True.")
        assert len(refusal.splitlines()) == 1

    def test_several_mappings_can_be_merged(self):
        text = "A: &a {x: 1, y: 2}\nB: &b {<<: *a, y: 3}\nSITE:\n  <<: *b\n  <<: *a\n  x: 4\n"
        assert self.read_settings(SECRET_KEY + text)["SITE"] == {"x": 4, "y": 2}

    @ddt.data(
        ("", True),
        ("FEATURES:", True),
        ("FEATURES: {}", True),
        ("FEATURES: {FLAG: false}", False),
        ("FLAG: false", False),
        ("FLAG: false\nFEATURES: {FLAG: false, OTHER: true}", False),
        ("FLAG: true", True),
    )
    @ddt.unpack
    def test_a_flag_works_in_features_and_at_the_top_level(self, text, expected):
        for flag, is_on in ((PROTECTION, is_protection_on), (SQUELCH, is_pii_squelched)):
            other = {PROTECTION, SQUELCH}.difference([flag]).pop()
            settings = self.read_settings(SECRET_KEY + text.replace("FLAG", flag))
            assert (settings["FEATURES"][flag], settings["FEATURES"][other]) == (expected, True)
            self.use_settings(text.replace("FLAG", flag))
            assert is_on() is expected

    @ddt.data("_features", "_config", "vars", "sys", "plugin_settings", "yaml_config")
    def test_a_lower_case_key_replaces_nothing_in_the_settings_module(self, key):
        settings = self.read_settings(f"{SECRET_KEY}{key}: {{{PROTECTION}: false}}\n")
        assert settings["FEATURES"][PROTECTION] is True

    def warnings(self, text):
        """Return the warnings of lms.yml with ``text``."""
        self.read_settings(SECRET_KEY + text)
        return [message for message in run_checks(tags=[Tags.security]) if message.id == "lms.W001"]

    @ddt.data("features", "prevent_concurrent_logins", "databases", "x-anchors", "Site_Name", "acme_single_login_x")
    def test_a_key_that_is_not_upper_case_is_a_warning(self, key):
        (warning,) = self.warnings(f"{key}: {{}}\n")
        assert warning.msg == f'lms.yml: "{key}" is not a setting: only upper-case names are read.'
        assert warning.hint == f"If it is meant as a setting, write {key.upper()}. Otherwise remove it."
        assert not warning.is_serious()

    @ddt.data(*(name for setting in (GROUPS, CHECK_EVERY_REQUEST) for name in (setting.lower(), setting.title())))
    def test_a_key_that_begins_as_those_of_single_login_is_left_to_its_system_check(self, key):
        self.lms_cfg.write_text(f"{SECRET_KEY}{key}: [xqueue]\n")
        module = runpy.run_module("lms.envs.production", alter_sys=True)
        assert (module[key], module[GROUPS], yaml_config.check_keys()) == (["xqueue"], [], [])

    @ddt.data(
        "x-sql: &sql {ENGINE: a}\nDATABASES: {default: {<<: *sql, NAME: b}}",
        ".hidden: &h\n  A: 1\nSITE: *h",
        "mysql_creds: &m {USER: a}\nSITES: [*m, *m]",
        "x-all: {sql: &sql {A: 1}, list: [&one 1]}\nSITE: {<<: *sql, B: *one}",
        "x-base: &b {LANGUAGE_CODE: de}\n<<: *b",
        "single_login_names: &n [a]\nSINGLE_LOGIN_EXEMPT_GROUPS: *n",
    )
    def test_a_key_that_only_carries_an_anchor_is_no_warning(self, text):
        assert self.warnings(f"{text}\n") == []

    @ddt.data(
        ("FEATURES: &f {A: true}\nfeatures: *f", "features"),
        ("x: &x {A: 1}\ny: {<<: *x}\nz: 1", "y", "z"),
        ("unused: &u {A: 1}", "unused"),
    )
    @ddt.unpack
    def test_a_key_whose_anchor_is_not_used_is_a_warning(self, text, *keys):
        assert [warning.msg.split('"')[1] for warning in self.warnings(f"{text}\n")] == list(keys)

    def test_keys_that_only_look_alike_are_two_keys(self):
        settings = self.read_settings(f'{SECRET_KEY}SITE: {{1: a, "1": b, no: c, "no": d}}\n')
        assert settings["SITE"] == {1: "a", "1": "b", False: "c", "no": "d"}

    @ddt.data("docs/lms.yml", "README.rst")
    def test_the_system_checks_for_a_deploy_warn_of_the_secret_key_of_the_sample(self, document):
        (line,) = re.findall(r"^\s*(SECRET_KEY: .*\n)", (REPO_ROOT / document).read_text(), re.MULTILINE)
        settings = self.read_settings(line)
        names = ("SECRET_KEY", "SILENCED_SYSTEM_CHECKS")
        with override_settings(**{name: settings[name] for name in names}):
            messages = run_checks(tags=[Tags.security], include_deployment_checks=True)
        assert "security.W009" in [message.id for message in messages if not message.is_silenced()]


@override_settings(**{GROUPS: ["xqueue"]})
class MigrateTest(TestCase):
    """``migrate`` and the system check that looks the exempt names up in the database."""

    @pytest.fixture(autouse=True)
    def _migrate(self, monkeypatch):
        monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])

    def warnings_after(self, statement):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        messages = run_checks(tags=[Tags.database], databases=["default"])
        return [message.id for message in messages if message.id.startswith("single_login.")]

    def test_migrate_is_quiet_while_there_is_no_table(self):
        assert self.warnings_after("ALTER TABLE auth_group RENAME TO auth_group_elsewhere") == []

    def test_migrate_warns_of_a_table_that_it_cannot_read(self):
        statement = "ALTER TABLE auth_group RENAME COLUMN name TO label"
        assert self.warnings_after(statement) == ["single_login.W010"]


@ddt.ddt
class ManageTest(SimpleTestCase):
    """``./manage.py lms COMMAND --settings=NAME``."""

    @ddt.data(
        (None, {}, "lms.envs.devstack"),
        (None, {"LMS_CFG": "lms.yml"}, "lms.envs.production"),
        (None, {"EDX_PLATFORM_SETTINGS": "test", "LMS_CFG": "lms.yml"}, "lms.envs.test"),
        (None, {"DJANGO_SETTINGS_MODULE": "lms.envs.test", "EDX_PLATFORM_SETTINGS": "devstack"}, "lms.envs.test"),
        (None, {"DJANGO_SETTINGS_MODULE": "", "EDX_PLATFORM_SETTINGS": "", "LMS_CFG": ""}, "lms.envs.devstack"),
        ("test", {"DJANGO_SETTINGS_MODULE": "lms.envs.devstack", "LMS_CFG": "lms.yml"}, "lms.envs.test"),
        ("test", {"EDX_PLATFORM_SETTINGS": "devstack"}, "lms.envs.test"),
    )
    @ddt.unpack
    def test_the_option_chooses_the_settings_or_else_the_environment(self, name, environment, expected):
        with patch.dict(os.environ, environment, clear=True):
            assert manage.settings_module("lms", name) == expected

    def test_the_settings_of_the_tests_pass_the_system_checks(self):
        assert run_checks() == []

    def test_a_system_must_be_named(self):
        with pytest.raises(SystemExit, match="2"):
            manage.main(["manage.py", "check"])


@ddt.ddt
class GunicornTest(SimpleTestCase):
    """The settings of gunicorn."""

    @ddt.data(("3", 3), ("", 2 * cpu_count() + 1))
    @ddt.unpack
    def test_the_environment_sets_the_number_of_workers(self, value, expected):
        with patch.dict(os.environ, WEB_CONCURRENCY=value):
            assert runpy.run_path(REPO_ROOT / "lms" / "docker_lms_gunicorn.py")["workers"] == expected


class ProcessTest(SimpleTestCase):
    """manage.py as a process."""

    @pytest.fixture(autouse=True)
    def _lms_cfg(self, tmp_path):
        self.lms_cfg = tmp_path / "lms.yml"

    def test_devstack_passes_the_system_checks(self):
        process = run_manage("lms", "check", "--settings=devstack", "--fail-level=WARNING", DJANGO_SETTINGS_MODULE="no")
        assert process.returncode == 0, process.stderr

    def test_a_faulty_setting_is_one_message(self):
        self.lms_cfg.write_text(f"{SECRET_KEY}{GROUPS}: xqueue\n")
        process = run_manage("lms", "check", LMS_CFG=str(self.lms_cfg))
        assert process.returncode == 1
        assert process.stdout == ""
        (line,) = process.stderr.splitlines()
        assert line.startswith(f"{GROUPS} must be a list of group names, but it is 'xqueue'.")

    def test_a_new_site_passes_the_system_checks_and_migrates_quietly(self):
        database = f"{{ENGINE: django.db.backends.sqlite3, NAME: {self.lms_cfg.parent}/lms.sqlite3}}"
        self.lms_cfg.write_text(f"{SECRET_KEY}DATABASES: {{default: {database}}}\n{GROUPS}: [xqueue]\n")
        process = run_manage("lms", "migrate", "auth", "--verbosity=0", LMS_CFG=str(self.lms_cfg))
        assert (process.returncode, process.stderr) == (0, "")
