"""lms.yml and manage.py, each tried by starting a real process."""

import os
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
        ("a_mapping", f"{USERNAMES}: {{xqwatcher: yes}}", [f"{USERNAMES} must be a list", "dict"]),
        ("a_number", f"{USERNAMES}: 7", [f"{USERNAMES} must be a list", "7 (int)"]),
        ("a_boolean", f"{GROUPS}: yes", [f"{GROUPS} must be a list", "True (bool)"]),
        ("a_nested_list", f"{USERNAMES}: [a, [b]]", [f"{USERNAMES}: entry 2", "['b'] (list)"]),
        ("an_entry_that_is_a_number", f"{USERNAMES}: [12345]", [f"{USERNAMES}: entry 1", '"12345"']),
        ("an_entry_that_is_a_boolean", f"{USERNAMES}: [a, b, yes]", [f"{USERNAMES}: entry 3", "True (bool)", "quotes"]),
        ("an_entry_that_is_null", f"{GROUPS}: [null]", [f"{GROUPS}: entry 1", "null"]),
        ("an_empty_entry", f"{GROUPS}: [xqueue, '']", [f"{GROUPS}: entry 2", "an empty string"]),
        (
            "several_faults_at_once",
            f"{USERNAMES}: [1, a, null]\n{GROUPS}: xqueue",
            [f"{USERNAMES}: entry 1", f"{USERNAMES}: entry 3", f"{GROUPS} must be a list"],
        ),
        ("features_that_are_no_mapping", "FEATURES: [a]", ["FEATURES must be a mapping"]),
        ("a_protection_in_quotes", "PREVENT_CONCURRENT_LOGINS: 'false'", ["PREVENT_CONCURRENT_LOGINS", "'false'"]),
        (
            "a_protection_that_contradicts_itself",
            "PREVENT_CONCURRENT_LOGINS: false\nFEATURES: {PREVENT_CONCURRENT_LOGINS: true}",
            ["PREVENT_CONCURRENT_LOGINS", "contradict"],
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

    @ddt.data(
        ("", "True"),
        ("FEATURES: {}", "True"),
        ("FEATURES: {PREVENT_CONCURRENT_LOGINS: false}", "False"),
        ("PREVENT_CONCURRENT_LOGINS: false", "False"),
        ("PREVENT_CONCURRENT_LOGINS: false\nFEATURES: {SQUELCH_PII_IN_LOGS: false}", "False"),
    )
    @ddt.unpack
    def test_the_protection_in_either_place_shows_in_features(self, text, expected):
        shown = self.printed(SECRET_KEY + text, "FEATURES", "PREVENT_CONCURRENT_LOGINS")
        assert f"'PREVENT_CONCURRENT_LOGINS': {expected}" in shown
        assert "'SQUELCH_PII_IN_LOGS'" in shown
        assert shown.endswith(f"|{expected}")

    def test_every_top_level_key_becomes_a_setting(self):
        text = f"{SECRET_KEY}{GROUPS}: [xqueue]\n{USERNAMES}:\n  - '12345'\nSITE_NAME: example\n"
        assert self.printed(text, GROUPS, USERNAMES, "SITE_NAME") == "['xqueue']|['12345']|example"


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
