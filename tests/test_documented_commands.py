"""All commands in the documents, run as printed, on a copy of this repository with SQLite."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from testing.production_lms import REPO_ROOT

WHEEL_README = REPO_ROOT / "openedx/core/djangoapps/single_login/README.rst"
AT_THE_ROOT = [REPO_ROOT / "README.rst", REPO_ROOT / "CONTRIBUTING.rst"]
DOCUMENTS = [*AT_THE_ROOT, WHEEL_README, *sorted((REPO_ROOT / "docs").rglob("*.rst"))]
SHELL_BLOCK = re.compile(r"^( *)\.\. code-block:: shell\n\n((?:\1 +.*\n|\n)+)", re.MULTILINE)
OTHER_BLOCK = re.compile(r"^( *)(?!\.\. ).*::\n\n((?:\1 +.*\n|\n)+)", re.MULTILINE)
PROGRAMS = ("./", "make ", "pip ", "uv ", "tutor ", "kubectl ", "python", "gunicorn ", "sudo ", ".venv/")

# Commands that start like this cannot run here, and why.
NOT_RUN = {
    "export LMS_CFG=": "this test has another file",
    "git ": "it needs the address of the repository",
    "/opt/lms/": "this test has another folder",
    "curl ": "it needs a site",
    "cd /opt/lms": "this test has another folder",
    "source ": "the environment of this test is in PATH already",
    "python3 -m venv": "tests/test_makefile.py makes environments",
    "pip install": "it needs a package index; tests/wheel installs the wheel",
    "uv pip": "uv is not among the requirements",
    "tutor ": "it needs Tutor and Docker; tests/tutor runs the commands that need no Docker",
    "kubectl ": "it needs a cluster",
    "sudo ": "it changes the machine",
    "gunicorn ": "it ends with a signal; tests/servers/test_production.py starts it",
    ".venv/bin/python -m measure": "it needs a site; tests/servers runs it on an LMS there",
    "make run": "it ends with a signal; tests/test_run.py runs it",
    "make graders": "it needs the server of make run; tests/test_run.py grades",
    "make test": "it runs this test",
    "make quality": "CI runs it",
    "make .venv/": "tests/test_makefile.py makes environments",
    "make ": "it measures for minutes",
    "./manage.py lms migrate submissions 0005": "it is for MariaDB: tests/servers/test_production.py",
    "./manage.py lms migrate --fake": "it is for MariaDB: tests/servers/test_production.py",
    "./manage.py lms changepassword": "it asks for the password at a terminal",
}


def printed_commands(document):
    """Return the commands in the literal blocks of ``document``, in order."""
    text = document.read_text(encoding="utf-8")
    blocks = sorted(
        [(match.start(2), match[2], True) for match in SHELL_BLOCK.finditer(text)]
        + [(match.start(2), match[2], False) for match in OTHER_BLOCK.finditer(text)]
    )
    lines = [
        (line.strip(), is_shell) for _, block, is_shell in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()
    ]
    return [line for line, is_shell in lines if line and (is_shell or line.startswith(PROGRAMS))]


def checks_of_the_unit():
    """Return the commands of the documented systemd unit that check lms.yml, without the path of the environment."""
    unit = (REPO_ROOT / "docs" / "production.rst").read_text(encoding="utf-8")
    commands = re.findall(r"^ +Exec(?:StartPre|Reload)=/opt/lms/venv/bin/(.*)", unit, re.MULTILINE)
    return sorted(set(commands))


def runnable(document):
    """Return the commands of ``document`` that can run here."""
    return [line for line in printed_commands(document) if not line.startswith(tuple(NOT_RUN))]


class Site:
    """A copy of the repository, with its environment in PATH and the documented lms.yml on SQLite."""

    def __init__(self, folder):
        self.root = folder / "repository"
        ignored = shutil.ignore_patterns(".*", "var", "dist", "build", "__pycache__")
        shutil.copytree(REPO_ROOT, self.root, ignore=ignored)
        # The folder of the SQLite database.
        (self.root / "var").mkdir()
        self.lms_yml = folder / "lms.yml"
        self.config = yaml.safe_load((REPO_ROOT / "docs" / "lms.yml").read_text(encoding="utf-8"))
        for server in ("DATABASES", "CACHES", "SESSION_ENGINE"):
            del self.config[server]
        # This engine keeps a list of its sessions, which --concurrent-sessions reads.
        self.config["SESSION_ENGINE"] = "django.contrib.sessions.backends.cached_db"
        self.config["SECRET_KEY"] = "long-and-random-enough-for-the-check-of-this-test-0123456789"
        self.config["STATIC_ROOT"] = str(folder / "staticfiles")
        self.configure()

    def configure(self, **settings):
        """Write the lms.yml, with ``settings`` over the documented ones."""
        self.lms_yml.write_text(yaml.safe_dump({**self.config, **settings}), encoding="utf-8")

    def run(self, command):
        """Run ``command`` with the environment variables that the documents set."""
        environment = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment["LMS_CFG"] = str(self.lms_yml)
        return subprocess.run(
            ["bash", "-c", command], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_commands_are_found():
    assert "make run" in printed_commands(REPO_ROOT / "README.rst")
    found = runnable(REPO_ROOT / "docs" / "operators.rst")
    assert "./manage.py lms check --database default --fail-level WARNING" in found


@pytest.mark.parametrize(
    "command",
    sorted({line for document in DOCUMENTS for line in printed_commands(document) if line.startswith("make ")}),
)
def test_every_printed_make_target_exists(site, command):
    process = site.run(command.replace("make ", "make --dry-run ", 1))
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(
    "document", [document for document in DOCUMENTS if runnable(document)], ids=lambda path: path.name
)
def test_every_printed_command_works(site, document):
    commands = runnable(document)
    if "./manage.py lms migrate" not in " ".join(commands):
        assert site.run("./manage.py lms migrate && ./manage.py lms createcachetable").returncode == 0
    for command in commands:
        process = site.run(command)
        assert process.returncode == 0, f"{command}: {process.stdout}{process.stderr}"


@pytest.mark.parametrize(
    ("document", "command"),
    [
        (document, command)
        for document in DOCUMENTS
        for command in runnable(document)
        if re.search(" (check|single_login_exemptions)", command)
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_printed_check_fails_on_a_faulty_lms_yml(site, document, command):
    site.configure(SINGLE_LOGIN_EXEMPT_GROUPS="xqueue")
    process = site.run(command)
    assert process.returncode != 0
    assert "SINGLE_LOGIN_EXEMPT_GROUPS must be a list" in process.stderr


@pytest.mark.parametrize("command", checks_of_the_unit())
def test_every_check_of_the_systemd_unit_fails_on_a_faulty_lms_yml(site, command):
    process = site.run(command)
    assert process.returncode == 0, process.stderr
    site.configure(SINGLE_LOGIN_EXEMPT_GROUPS="xqueue")
    process = site.run(command)
    assert process.returncode == 1
    assert "SINGLE_LOGIN_EXEMPT_GROUPS must be a list" in process.stderr


def test_the_systemd_unit_checks_lms_yml_in_two_ways():
    programs = [command.split()[0] for command in checks_of_the_unit()]
    assert programs == ["gunicorn", "python"]
