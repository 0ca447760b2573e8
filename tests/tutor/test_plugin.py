"""The Tutor plugin, with the real Tutor: ``make test-tutor``."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPO_ROOT = Path(__file__).parents[2]
PLUGIN = REPO_ROOT / "tutor_plugin" / "single_login.py"
PROTECTION = re.compile(r"PREVENT_CONCURRENT_LOGINS\S* = (.*)$", re.MULTILINE)


class Tutor:
    """Tutor in a temporary folder, with the plugin installed and enabled."""

    def __init__(self, folder):
        self.root = folder / "root"
        plugins = folder / "plugins"
        plugins.mkdir()
        self.environment = {**os.environ, "TUTOR_ROOT": str(self.root), "TUTOR_PLUGINS_ROOT": str(plugins)}
        self.run("config", "save")
        self.run("plugins", "install", str(PLUGIN))
        self.run("plugins", "enable", "single_login")

    def try_to_run(self, *arguments):
        """Run a Tutor command. Return the finished process."""
        command = [Path(sys.executable).with_name("tutor"), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def run(self, *arguments):
        """Run a Tutor command that must succeed."""
        process = self.try_to_run(*arguments)
        assert process.returncode == 0, process.stderr
        return process.stdout

    def configure(self, **settings):
        """Save the configuration, which renders the environment."""
        self.run(*self.save(**settings))

    def refuse(self, **settings):
        """Save a configuration that must be refused. Return Tutor's last line."""
        process = self.try_to_run(*self.save(**settings))
        assert process.returncode == 1
        assert "Traceback" not in process.stderr
        return process.stderr.splitlines()[-1]

    @staticmethod
    def save(**settings):
        """Return the Tutor command that sets ``settings``."""
        return ["config", "save", *(part for name, value in settings.items() for part in ("--set", f"{name}={value}"))]

    def read(self, *path):
        """Return a rendered file."""
        return self.root.joinpath("env", *path).read_text(encoding="utf-8")

    def read_settings(self, system):
        """Return the content of the YAML file of ``system``."""
        return yaml.safe_load(self.read("apps", "openedx", "config", f"{system}.env.yml"))

    def read_protection(self, system, environment="production"):
        """Return the values that the Python settings of ``system`` assign to the protection, in order."""
        rendered = self.read("apps", "openedx", "settings", system, f"{environment}.py")
        compile(rendered, environment, "exec")
        return PROTECTION.findall(rendered)

    def read_environment(self):
        """Return each rendered file's content."""
        return {path: path.read_bytes() for path in self.root.joinpath("env").rglob("*") if path.is_file()}

    def read_installation(self):
        """Return the line of the image's Dockerfile that installs the app."""
        before = 'RUN $PIP_COMMAND install "openedx-scorm-xblock'
        after = self.read("build", "openedx", "Dockerfile").split(before)[1].splitlines()[1:]
        return next(line for line in after if line)


@pytest.fixture(scope="module")
def enabled(tmp_path_factory):
    return Tutor(tmp_path_factory.mktemp("tutor"))


@pytest.fixture
def tutor(enabled):
    """A Tutor with nothing configured yet."""
    shutil.copy(enabled.root / "config.yml", enabled.root / "before")
    yield enabled
    shutil.move(enabled.root / "before", enabled.root / "config.yml")


def test_both_settings_reach_the_lms(tutor):
    names = '["xqwatcher", "o\'hara", "12345", "Zoë", "\U0001f600"]'
    tutor.configure(SINGLE_LOGIN_EXEMPT_GROUPS='["xqueue"]', SINGLE_LOGIN_EXEMPT_USERNAMES=names)
    settings = tutor.read_settings("lms")
    assert settings["SINGLE_LOGIN_EXEMPT_GROUPS"] == ["xqueue"]
    assert settings["SINGLE_LOGIN_EXEMPT_USERNAMES"] == ["xqwatcher", "o'hara", "12345", "Zoë", "\U0001f600"]


def test_without_options_nobody_is_exempt_and_the_protection_is_unchanged(tutor):
    tutor.configure()
    settings = tutor.read_settings("lms")
    assert settings["SINGLE_LOGIN_EXEMPT_GROUPS"] == settings["SINGLE_LOGIN_EXEMPT_USERNAMES"] == []
    assert tutor.read_protection("lms") == ["False"]


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize(("value", "rendered"), [("true", "True"), ("false", "False")])
def test_the_protection_is_turned_on_and_off_in_the_lms(tutor, environment, value, rendered):
    tutor.configure(SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS=value)
    # Tutor sets it first.
    assert tutor.read_protection("lms", environment) == ["False", rendered, rendered]


@pytest.mark.parametrize("environment", ["production", "development"])
def test_studio_keeps_the_protection_off_and_gets_no_exemptions(tutor, environment):
    tutor.configure(SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS="true", SINGLE_LOGIN_EXEMPT_GROUPS='["xqueue"]')
    assert tutor.read_protection("cms", environment) == ["False"]
    assert not [name for name in tutor.read_settings("cms") if name.startswith("SINGLE_LOGIN")]


@pytest.mark.parametrize("value", ["", "flase", "1", "[]"])
def test_a_protection_that_is_not_a_boolean_is_refused_until_it_is_corrected(tutor, value):
    message = tutor.refuse(SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS=value)
    assert "SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS must be true, false or null, but it is" in message
    tutor.configure(SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS="true")


@pytest.mark.parametrize("setting", ["SINGLE_LOGIN_EXEMPT_USERNAMES", "SINGLE_LOGIN_EXEMPT_GROUPS"])
@pytest.mark.parametrize("value", ["xqueue", "", "{xqueue: true}", "7"])
def test_names_that_are_not_a_list_are_refused_until_they_are_corrected(tutor, setting, value):
    assert f"{setting} must be a list of names" in tutor.refuse(**{setting: value})
    tutor.configure(**{setting: "null"})


@pytest.mark.parametrize("value", ["[2024-01-01]", "[12345]", "[yes]", "[null]", "[[xqueue]]", '[""]'])
def test_an_entry_that_is_not_a_name_is_refused_until_it_is_corrected(tutor, value):
    assert "SINGLE_LOGIN_EXEMPT_USERNAMES: entry 1 is not a name" in tutor.refuse(SINGLE_LOGIN_EXEMPT_USERNAMES=value)
    tutor.configure(SINGLE_LOGIN_EXEMPT_USERNAMES='["xqwatcher"]')


@pytest.mark.parametrize(
    "requirement", ["git+https://host/owner/repo@v1", "https://host/a.whl; python_version>'3'", "a 'b' $(c) \"d\" \\"]
)
def test_the_requirement_reaches_pip_as_it_is(tutor, requirement):
    tutor.configure(SINGLE_LOGIN_REQUIREMENT=f"'{requirement.replace(chr(39), chr(39) * 2)}'")
    _, command = tutor.read_installation().split("$PIP_COMMAND install ")
    printed = subprocess.run(["sh", "-c", f"printf %s {command}"], capture_output=True, text=True, check=True).stdout
    assert printed == requirement


def test_without_a_requirement_the_build_fails_and_asks_for_it(tutor):
    tutor.configure()
    run, command = tutor.read_installation().split(" ", 1)
    assert run == "RUN"
    process = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert process.stderr.startswith("SINGLE_LOGIN_REQUIREMENT is not set. ")


@pytest.mark.parametrize("value", ["1.0", "null", r'"a\nb"'])
def test_a_requirement_that_is_not_one_line_of_text_is_refused(tutor, value):
    assert "SINGLE_LOGIN_REQUIREMENT must be one line of text" in tutor.refuse(SINGLE_LOGIN_REQUIREMENT=value)


@pytest.mark.parametrize("name", ["SINGLE_LOGIN_EXEMPT_GROUP", "single_login_exempt_groups", "SINGLE-LOGIN-X"])
def test_an_unknown_option_is_refused_until_it_is_removed(tutor, name):
    message = tutor.refuse(**{name: '["xqueue"]', "SINGLE_LOGIN_EXEMPT_USERNAMES": '["xqwatcher"]'})
    assert f"{name} is no setting of the plugin single_login" in message
    own = set(re.findall(r"SINGLE_LOGIN_\w+", message)) - {name}
    assert own == {
        "SINGLE_LOGIN_REQUIREMENT",
        "SINGLE_LOGIN_EXEMPT_USERNAMES",
        "SINGLE_LOGIN_EXEMPT_GROUPS",
        "SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS",
        "SINGLE_LOGIN_CHECK_EVERY_REQUEST",
    }
    tutor.run("config", "save", "--unset", name)
    assert tutor.read_settings("lms")["SINGLE_LOGIN_EXEMPT_USERNAMES"] == ["xqwatcher"]


@pytest.mark.parametrize("value", ["true", "false"])
def test_the_check_at_every_request_is_set_in_the_lms_only(tutor, value):
    tutor.configure(SINGLE_LOGIN_CHECK_EVERY_REQUEST=value)
    assert tutor.read_settings("lms")["SINGLE_LOGIN_CHECK_EVERY_REQUEST"] is (value == "true")
    assert "SINGLE_LOGIN_CHECK_EVERY_REQUEST" not in tutor.read_settings("cms")


@pytest.mark.parametrize("value", ["null", "flase", "1"])
def test_a_check_at_every_request_that_is_not_a_boolean_is_refused(tutor, value):
    message = tutor.refuse(SINGLE_LOGIN_CHECK_EVERY_REQUEST=value)
    assert "SINGLE_LOGIN_CHECK_EVERY_REQUEST must be true or false" in message


def test_all_faults_are_reported_in_one_message(tutor):
    settings = dict.fromkeys(FAULTY, "flase")
    process = tutor.try_to_run(*tutor.save(**settings))
    assert process.returncode == 1
    assert all(name in process.stderr for name in FAULTY)


FAULTY = ["SINGLE_LOGIN_EXEMPT_GROUPS", "SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS", "SINGLE_LOGIN_TYPO"]

FAULTY_SETTINGS = [
    ("SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS", "flase"),
    ("SINGLE_LOGIN_EXEMPT_USERNAMES", "[yes]"),
    ("SINGLE_LOGIN_REQUIREMENT", "1.0"),
    ("SINGLE_LOGIN_EXEMPT_GROUP", "[]"),
]


@pytest.mark.parametrize(("setting", "value"), FAULTY_SETTINGS)
def test_a_refusal_leaves_the_environment_as_it_was(tutor, setting, value):
    tutor.configure(SINGLE_LOGIN_EXEMPT_GROUPS='["xqueue"]')
    before = tutor.read_environment()
    # The platform's name is in the first file that Tutor renders, too.
    tutor.refuse(**{setting: value, "SINGLE_LOGIN_EXEMPT_GROUPS": '["other"]', "LMS_HOST": "other.example.com"})
    assert tutor.read_environment() == before


def test_other_commands_work_while_a_setting_is_refused(tutor):
    tutor.refuse(SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS="flase")
    assert tutor.run("config", "printvalue", "SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS") == "flase\n"
    tutor.run("plugins", "disable", "single_login")


def test_every_printed_command_that_needs_no_docker_works(tmp_path):
    """In the order of the operators' guide, in a new Tutor root."""
    text = (REPO_ROOT / "docs" / "operators.rst").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    commands = [line.strip() for line in lines if re.match(r" +tutor (config|plugins) ", line)]
    assert len(commands) > 5
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TUTOR_ROOT": str(tmp_path / "root"),
        "TUTOR_PLUGINS_ROOT": str(tmp_path / "plugins"),
    }
    (tmp_path / "plugins").mkdir()
    for command in commands:
        process = subprocess.run(
            ["bash", "-c", command], cwd=REPO_ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, f"{command}: {process.stderr}"
