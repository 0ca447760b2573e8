"""The Tutor plugin, tried with the real Tutor: ``make test-tutor``."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PLUGIN = Path(__file__).parents[2] / "docs" / "tutor" / "single_login.yml"
ENVIRONMENTS = ["lms", "cms"]


class Tutor:
    """A Tutor of its own, with the plugin installed and enabled, in a folder that goes away."""

    def __init__(self, folder):
        self.root = folder / "root"
        plugins = folder / "plugins"
        plugins.mkdir()
        self.environment = {**os.environ, "TUTOR_ROOT": str(self.root), "TUTOR_PLUGINS_ROOT": str(plugins)}
        self.run("config", "save")
        self.run("plugins", "install", str(PLUGIN))
        self.run("plugins", "enable", "single_login")

    def run(self, *arguments):
        """Run Tutor's command, which has to succeed."""
        command = [Path(sys.executable).with_name("tutor"), *arguments]
        process = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        return process.stdout

    def configure(self, **settings):
        """Save the configuration, which renders the environment."""
        options = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        self.run("config", "save", *options)

    def read(self, *path):
        """Return a rendered file."""
        return self.root.joinpath("env", *path).read_text(encoding="utf-8")

    def read_settings(self, system):
        """Return what the YAML file of ``system`` holds."""
        return yaml.safe_load(self.read("apps", "openedx", "config", f"{system}.env.yml"))


@pytest.fixture(scope="module")
def enabled(tmp_path_factory):
    return Tutor(tmp_path_factory.mktemp("tutor"))


@pytest.fixture
def tutor(enabled):
    """A Tutor with nothing configured yet."""
    shutil.copy(enabled.root / "config.yml", enabled.root / "before")
    yield enabled
    shutil.move(enabled.root / "before", enabled.root / "config.yml")


@pytest.mark.parametrize("system", ENVIRONMENTS)
def test_both_settings_reach_lms_and_studio(tutor, system):
    names = '["xqwatcher", "o\'hara", "12345", "Zoë"]'
    tutor.configure(SINGLE_LOGIN_EXEMPT_GROUPS='["xqueue"]', SINGLE_LOGIN_EXEMPT_USERNAMES=names)
    settings = tutor.read_settings(system)
    assert settings["SINGLE_LOGIN_EXEMPT_GROUPS"] == ["xqueue"]
    assert settings["SINGLE_LOGIN_EXEMPT_USERNAMES"] == ["xqwatcher", "o'hara", "12345", "Zoë"]


@pytest.mark.parametrize("system", ENVIRONMENTS)
def test_nobody_is_exempt_and_the_protection_is_as_it_was_with_nothing_configured(tutor, system):
    tutor.configure()
    settings = tutor.read_settings(system)
    assert settings["SINGLE_LOGIN_EXEMPT_GROUPS"] == settings["SINGLE_LOGIN_EXEMPT_USERNAMES"] == []
    assert last_value(tutor, system) == "False"


@pytest.mark.parametrize("system", ENVIRONMENTS)
def test_a_bare_string_arrives_as_it_is_to_be_refused(tutor, system):
    tutor.configure(SINGLE_LOGIN_EXEMPT_GROUPS="xqueue")
    assert tutor.read_settings(system)["SINGLE_LOGIN_EXEMPT_GROUPS"] == "xqueue"


@pytest.mark.parametrize("system", ENVIRONMENTS)
def test_the_protection_is_turned_on_when_that_is_configured(tutor, system):
    tutor.configure(SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS="true")
    assert last_value(tutor, system) == "PREVENT_CONCURRENT_LOGINS"
    rendered = tutor.read("apps", "openedx", "settings", system, "production.py")
    assert re.findall(r"^PREVENT_CONCURRENT_LOGINS = (.*)$", rendered, re.MULTILINE)[-1] == "True"
    compile(rendered, "production.py", "exec")


@pytest.mark.parametrize("requirement", ["openedx-single-login", "openedx-single-login==1.0.0"])
def test_the_requirement_reaches_the_image(tutor, requirement):
    tutor.configure(SINGLE_LOGIN_REQUIREMENT=requirement)
    dockerfile = tutor.read("build", "openedx", "Dockerfile")
    assert f"$PIP_COMMAND install '{requirement}'\n" in dockerfile


def last_value(tutor, system):
    """Return what the production settings say last of the protection."""
    rendered = tutor.read("apps", "openedx", "settings", system, "production.py")
    return re.findall(r"PREVENT_CONCURRENT_LOGINS\S* = (.*)$", rendered, re.MULTILINE)[-1]
