"""lms.yml and manage.py, each tried by starting a real process."""

import os
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ddt
import pytest
from django.test import SimpleTestCase

REPO_ROOT = Path(__file__).resolve().parents[2]
SECRET_KEY = "SECRET_KEY: a-long-random-string-of-this-very-test\n"
USERNAMES, GROUPS = "SINGLE_LOGIN_EXEMPT_USERNAMES", "SINGLE_LOGIN_EXEMPT_GROUPS"


def manage(*arguments, lms_cfg=None, **environment):
    """Run manage.py in a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "LMS_CFG")}
    if lms_cfg is not None:
        environment["LMS_CFG"] = str(lms_cfg)
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPO_ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def show(*names):
    """Return code that prints settings, for ``manage.py lms shell``."""
    return f"from django.conf import settings; print(*[getattr(settings, name) for name in {names}], sep='|')"


@ddt.ddt
class LmsYmlTest(SimpleTestCase):
    """What the process does with a lms.yml."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.lms_cfg = tmp_path / "lms.yml"

    def start(self, text, *arguments):
        self.lms_cfg.write_text(text, encoding="utf-8")
        return manage("lms", *(arguments or ("check",)), "--settings=production", lms_cfg=self.lms_cfg)

    def printed(self, text, *names):
        process = self.start(text, "shell", "--no-imports", "-c", show(*names))
        assert process.returncode == 0, process.stderr
        return process.stdout.strip().splitlines()[-1]

    @ddt.data(
        ("a_bare_string", f"{USERNAMES}: xqwatcher", [f"{USERNAMES} must be a list", "'xqwatcher'", '["xqwatcher"]']),
        ("a_bare_string_for_a_group", f"{GROUPS}: xqueue", [f"{GROUPS} must be a list of group names", '["xqueue"]']),
        ("bytes", f"{USERNAMES}: !!binary eHF3", [f"{USERNAMES} must be a list", "b'xqw'"]),
        ("a_mapping", f"{USERNAMES}: {{xqwatcher: yes}}", [f"{USERNAMES} must be a list", "{'xqwatcher': True}"]),
        ("a_number", f"{USERNAMES}: 0123", [f"{USERNAMES} must be a list", "0123 in line 2, which YAML reads as 83."]),
        ("a_boolean", f"{GROUPS}: yes", [f"{GROUPS} must be a list", "yes in line 2, which YAML reads as True."]),
        ("a_quoted_list", f"{USERNAMES}: '[\"a\"]'", [f"{USERNAMES} must be a list", f'{USERNAMES}: ["name"]']),
        ("a_nested_list", f"{USERNAMES}: [a, [b]]", [f"{USERNAMES}: entry 2", "it is ['b']."]),
        ("an_entry_that_is_a_number", f"{USERNAMES}: [12345]", [f"{USERNAMES}: entry 1", "12345 in line 2"]),
        ("an_octal_number", f"{USERNAMES}:\n- a\n- 0123", ["it is 0123 in line 4, which YAML reads as 83."]),
        ("a_hexadecimal_number", f"{USERNAMES}: [0x1F]", ["it is 0x1F in line 2, which YAML reads as 31."]),
        ("a_number_in_sixties", f"{GROUPS}: [12:30:45]", ["it is 12:30:45 in line 2, which YAML reads as 45045."]),
        ("a_number_with_a_gap", f"{GROUPS}: [1_000]", ["it is 1_000 in line 2, which YAML reads as 1000."]),
        ("a_date", f"{GROUPS}: [2024-01-01]", ["it is 2024-01-01 in line 2, which YAML reads as datetime.date("]),
        ("an_entry_that_is_a_boolean", f"{USERNAMES}: [a, b, yes]", [f"{USERNAMES}: entry 3", "it is yes in line 2"]),
        ("an_entry_that_is_null", f"{GROUPS}: [null]", [f"{GROUPS}: entry 1", "it is null in line 2"]),
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
        ("a_protection_in_quotes", "PREVENT_CONCURRENT_LOGINS: 'false'", ["PREVENT_CONCURRENT_LOGINS", "'false'"]),
        ("a_protection_that_is_nothing", "PREVENT_CONCURRENT_LOGINS:", ["PREVENT_CONCURRENT_LOGINS", "null"]),
        ("a_misspelt_true", "FEATURES: {SQUELCH_PII_IN_LOGS: ture}", ["SQUELCH_PII_IN_LOGS must be true", "'ture'"]),
        (
            "a_protection_that_contradicts_itself",
            "PREVENT_CONCURRENT_LOGINS: false\nFEATURES: {PREVENT_CONCURRENT_LOGINS: true}",
            ["PREVENT_CONCURRENT_LOGINS", "contradict"],
        ),
        (
            "names_in_logs_that_contradict_themselves",
            "SQUELCH_PII_IN_LOGS: true\nFEATURES: {SQUELCH_PII_IN_LOGS: false}",
            ["SQUELCH_PII_IN_LOGS", "contradict"],
        ),
        (
            "a_key_that_stands_twice",
            f"{GROUPS}: [xqueue]\nFEATURES: {{}}\n{GROUPS}: [others]",
            [f"{GROUPS} stands twice, in lines 2 and 4", "keep one"],
        ),
        (
            "keys_that_stand_twice_inside_others",
            "FEATURES:\n  A: 1\n  A: 2\nCACHES: [{B: 1,\nB: 2}]",
            ["A stands twice, in lines 3 and 4", "B stands twice, in lines 5 and 6"],
        ),
    )
    @ddt.unpack
    def test_the_process_refuses_to_start_with(self, case, text, expected):
        process = self.start(SECRET_KEY + text)
        assert process.returncode != 0, case
        last_words = process.stderr[process.stderr.rindex("ImproperlyConfigured") :]
        for words in expected:
            assert words in last_words

    @ddt.data(
        ("no_secret_key", "LANGUAGE_CODE: en", "SECRET_KEY is missing"),
        ("an_empty_file", "", "SECRET_KEY is missing"),
        ("a_list", "- a", "must hold settings by name"),
        ("broken_yaml", "a: [", "is not valid YAML"),
        ("a_day_that_never_was", f"{USERNAMES}: [2024-13-45]", "is not valid YAML: month must be in 1..12"),
    )
    @ddt.unpack
    def test_the_process_says_what_is_missing_with(self, case, text, expected):
        process = self.start(text)
        assert process.returncode != 0, case
        assert expected in process.stderr
        assert str(self.lms_cfg) in process.stderr

    @ddt.data(({}, "LMS_CFG is not set"), ({"LMS_CFG": "/nowhere/lms.yml"}, "/nowhere/lms.yml cannot be read"))
    @ddt.unpack
    def test_production_needs_a_lms_yml(self, environment, expected):
        process = manage("lms", "check", "--settings=production", **environment)
        assert process.returncode != 0
        assert expected in process.stderr

    def test_what_an_anchor_merges_may_be_replaced(self):
        text = f"{SECRET_KEY}A: &a {{x: 1, y: 2}}\nSITE:\n  <<: *a\n  x: 3\n"
        assert self.printed(text, "SITE") == "{'x': 3, 'y': 2}"

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
    def test_a_flag_in_either_place_is_what_single_login_goes_by_and_shows_in_features(self, text, expected):
        code = (
            "from django.conf import settings; "
            "from openedx.core.djangoapps.single_login.exemptions import is_pii_squelched, is_protection_on; "
            "print(is_protection_on(), settings.FEATURES['PREVENT_CONCURRENT_LOGINS'], "
            "is_pii_squelched(), settings.FEATURES['SQUELCH_PII_IN_LOGS'])"
        )
        for flag, printed in (
            ("PREVENT_CONCURRENT_LOGINS", [expected, expected, True, True]),
            ("SQUELCH_PII_IN_LOGS", [True, True, expected, expected]),
        ):
            process = self.start(SECRET_KEY + text.replace("FLAG", flag), "shell", "--no-imports", "-c", code)
            assert process.stdout.split() == list(map(str, printed)), process.stderr

    def test_a_name_in_lower_case_is_a_warning(self):
        process = self.start(f"{SECRET_KEY}single_login_exempt_groups: [xqueue]\n")
        assert process.returncode == 0
        assert "(single_login.W002) single_login_exempt_groups is not read by anything" in process.stderr
        assert f"Write {GROUPS}" in process.stderr

    @ddt.data("docs/lms.yml", "README.rst")
    def test_the_secret_key_of_the_sample_does_not_pass_the_checks_for_a_deploy(self, document):
        (line,) = re.findall(r"^\s*(SECRET_KEY: .*\n)", (REPO_ROOT / document).read_text(), re.MULTILINE)
        process = self.start(line, "check", "--deploy", "--fail-level=WARNING")
        assert process.returncode == 1
        assert "security.W009" in process.stderr

    def test_every_top_level_key_becomes_a_setting(self):
        text = f"{SECRET_KEY}{GROUPS}: [xqueue]\n{USERNAMES}:\n  - '12345'\nSITE_NAME: example\n"
        assert self.printed(text, GROUPS, USERNAMES, "SITE_NAME") == "['xqueue']|['12345']|example"


class DatabaseChecksTest(SimpleTestCase):
    """What the checks say of a database that they cannot read, and what ``migrate`` does."""

    @pytest.fixture(autouse=True)
    def _database(self, tmp_path):
        self.lms_cfg = tmp_path / "lms.yml"
        self.database = tmp_path / "lms.sqlite3"
        database = f"DATABASES: {{default: {{ENGINE: django.db.backends.sqlite3, NAME: {self.database}}}}}\n"
        self.lms_cfg.write_text(f"{SECRET_KEY}{database}{GROUPS}: [xqueue]\n")

    def manage(self, *arguments):
        return manage("lms", *arguments, "--settings=production", lms_cfg=self.lms_cfg)

    def test_an_empty_database_is_migrated_quietly_and_checked_with_a_warning(self):
        unchecked = self.manage("check", "--database", "default")
        assert unchecked.returncode == 0
        assert "(single_login.W010)" in unchecked.stderr
        assert "was not checked: no such table: auth_group" in unchecked.stderr
        assert "Traceback" not in unchecked.stderr

        migrated = self.manage("migrate", "auth", "--verbosity=0")
        assert (migrated.returncode, migrated.stderr) == (0, "")

        checked = self.manage("check", "--database", "default")
        assert "single_login.W010" not in checked.stderr
        assert "single_login.W012" in checked.stderr

    def test_migrate_says_so_when_it_cannot_read_a_table_that_is_there(self):
        assert self.manage("migrate", "auth", "--verbosity=0").returncode == 0
        with sqlite3.connect(self.database) as connection:
            connection.execute("ALTER TABLE auth_group RENAME COLUMN name TO label")
        assert "(single_login.W010)" in self.manage("migrate", "auth", "--verbosity=0").stderr


@ddt.ddt
class ManageTest(SimpleTestCase):
    """``./manage.py lms COMMAND --settings=NAME``."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.lms_cfg = tmp_path / "lms.yml"

    @ddt.data(
        ([], {}, "lms.envs.devstack"),
        ([], {"LMS_CFG": "lms.yml"}, "lms.envs.production"),
        ([], {"EDX_PLATFORM_SETTINGS": "test", "LMS_CFG": "lms.yml"}, "lms.envs.test"),
        ([], {"DJANGO_SETTINGS_MODULE": "lms.envs.test", "EDX_PLATFORM_SETTINGS": "devstack"}, "lms.envs.test"),
        ([], {"DJANGO_SETTINGS_MODULE": "", "EDX_PLATFORM_SETTINGS": "", "LMS_CFG": ""}, "lms.envs.devstack"),
        (["--settings=test"], {"DJANGO_SETTINGS_MODULE": "lms.envs.devstack", "LMS_CFG": "lms.yml"}, "lms.envs.test"),
        (["--settings", "test"], {"EDX_PLATFORM_SETTINGS": "devstack"}, "lms.envs.test"),
    )
    @ddt.unpack
    def test_the_settings_are_those_asked_for_or_those_of_the_environment(self, options, environment, expected):
        self.lms_cfg.write_text(SECRET_KEY)
        if environment.get("LMS_CFG"):
            environment = {**environment, "LMS_CFG": str(self.lms_cfg)}
        process = manage("lms", "shell", "--no-imports", "-c", show("SETTINGS_MODULE"), *options, **environment)
        assert process.stdout.strip() == expected, process.stderr

    def test_a_system_must_be_named(self):
        process = manage("check")
        assert process.returncode == 2
        assert "lms" in process.stderr

    def test_every_environment_passes_the_checks(self):
        with ThreadPoolExecutor() as pool:
            processes = pool.map(lambda name: manage("lms", "check", f"--settings={name}"), ["devstack", "test"])
        assert [process.returncode for process in processes] == [0, 0]
