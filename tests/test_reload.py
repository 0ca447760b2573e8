"""A reload, which takes a changed lms.yml or goes on without it: real gunicorn, and ``kill -HUP``."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from testing.production_lms import free_port
from testing.visitor import Browser

REPO_ROOT = Path(__file__).resolve().parents[1]
EXEMPT = "SINGLE_LOGIN_EXEMPT_USERNAMES: [xqwatcher]\n"
FAULTY = "SINGLE_LOGIN_EXEMPT_USERNAMES: xqwatcher\n"
REFUSED = "The LMS goes on with the configuration that it has."
CREATE_ACCOUNT = (
    "from django.contrib.auth.models import User;User.objects.create_user('xqwatcher', 'xqwatcher@example.com', 'edx')"
)


class Gunicorn:
    """A database, an lms.yml, and gunicorn as docs/production.rst starts it."""

    def __init__(self, folder):
        self.folder = folder
        self.lms_yml = folder / "lms.yml"
        self.log = folder / "gunicorn.log"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        self.environment = {**inherited, "LMS_CFG": str(self.lms_yml), "TMPDIR": str(self.temporary)}
        self.environment["WEB_CONCURRENCY"] = "2"

    def configure(self, exemptions):
        """Write the lms.yml, with these lines about exemptions."""
        self.lms_yml.write_text(
            f"{exemptions}SECRET_KEY: a-key-for-testing-reloads\nALLOWED_HOSTS: [127.0.0.1]\n"
            f"DATABASES: {{default: {{ENGINE: django.db.backends.sqlite3, NAME: {self.folder}/lms.sqlite3}}}}\n"
            "SESSION_ENGINE: django.contrib.sessions.backends.db\n"
            "SESSION_COOKIE_SECURE: false\nCSRF_COOKIE_SECURE: false\n"
            "PASSWORD_HASHERS: [django.contrib.auth.hashers.MD5PasswordHasher]\n"
            "CACHES: {default: {BACKEND: django.core.cache.backends.dummy.DummyCache}}\n"
            'SILENCED_SYSTEM_CHECKS: ["django_ratelimit.E003"]\n'
        )

    def manage(self, *arguments):
        """Run a management command."""
        command = [sys.executable, "manage.py", "lms", *arguments, "--settings=production"]
        subprocess.run(command, cwd=REPO_ROOT, env=self.environment, check=True, capture_output=True)

    def start(self, *options):
        """Start the server."""
        command = [sys.executable, "-m", "gunicorn", "--config", "lms/docker_lms_gunicorn.py", *options, "lms.wsgi"]
        with self.log.open("a") as log:
            return subprocess.Popen(command, cwd=REPO_ROOT, env=self.environment, stdout=log, stderr=log)

    @contextmanager
    def serve(self, *options):
        """Run the server, with two workers unless the environment says otherwise; yield its process."""
        process = self.start("--bind", self.url.removeprefix("http://"), *options)
        try:
            self.wait_until(self.answers)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)

    def wait_until(self, happens):
        """Return when ``happens()`` is true."""
        deadline = time.monotonic() + 120
        while not happens():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def answers(self):
        """Tell whether the login page is there."""
        try:
            return requests.get(f"{self.url}/login", timeout=10).status_code == 200
        except requests.ConnectionError:
            return False

    def workers(self):
        """Return the ids of the processes that were started to serve."""
        return re.findall(r"Booting worker with pid: (\d+)", self.log.read_text())

    def refusals(self):
        """Return how many reloads were refused."""
        return self.log.read_text().count(REFUSED)

    def is_exempt(self):
        """Tell whether the account may be signed in twice."""
        first, second = (Browser(self.url, "xqwatcher@example.com") for _ in range(2))
        assert first.sign_in()[0] == second.sign_in()[0] == 200
        # In the middle of a reload the second may have been let in by a worker that was about to go.
        return first.is_signed_in() and second.is_signed_in()


@pytest.fixture
def gunicorn(tmp_path):
    gunicorn = Gunicorn(tmp_path)
    gunicorn.configure(EXEMPT)
    gunicorn.manage("migrate", "--verbosity=0")
    gunicorn.manage("shell", "--no-imports", "-c", CREATE_ACCOUNT)
    return gunicorn


def test_a_reload_ends_an_exemption_that_was_taken_back_and_starts_one_that_was_given(gunicorn):
    with gunicorn.serve() as process:
        assert gunicorn.is_exempt()
        gunicorn.configure("")
        process.send_signal(signal.SIGHUP)
        gunicorn.wait_until(lambda: not gunicorn.is_exempt())
        gunicorn.configure(EXEMPT)
        process.send_signal(signal.SIGHUP)
        gunicorn.wait_until(gunicorn.is_exempt)
    assert process.returncode == 0


def test_a_broken_file_leaves_the_server_as_it_is_until_it_is_mended(gunicorn):
    with gunicorn.serve() as process:
        gunicorn.configure(FAULTY)
        process.send_signal(signal.SIGHUP)
        gunicorn.wait_until(gunicorn.refusals)
        # Both workers were replaced, and read what the former read.
        gunicorn.wait_until(lambda: len(gunicorn.workers()) >= 4)
        assert all(gunicorn.is_exempt() for _ in range(5))
        log = gunicorn.log.read_text()
        assert f"{REFUSED} ImproperlyConfigured: SINGLE_LOGIN_EXEMPT_USERNAMES must be a list" in log
        assert "Traceback" not in log

        gunicorn.lms_yml.unlink()
        process.send_signal(signal.SIGHUP)
        gunicorn.wait_until(lambda: gunicorn.refusals() == 2)
        assert f"{REFUSED} LMS_CFG: '{gunicorn.lms_yml}' cannot be read: No such file or directory" in (
            gunicorn.log.read_text()
        )
        assert gunicorn.is_exempt()

        gunicorn.configure("")
        process.send_signal(signal.SIGHUP)
        gunicorn.wait_until(lambda: not gunicorn.is_exempt())
    assert process.returncode == 0


def test_a_worker_that_replaces_another_reads_no_file_that_nobody_asked_to_load(gunicorn):
    with gunicorn.serve("--max-requests", "5", "--max-requests-jitter", "0") as process:
        started = len(gunicorn.workers())
        gunicorn.configure(FAULTY)
        gunicorn.wait_until(lambda: gunicorn.is_exempt() and len(gunicorn.workers()) > started + 2)
        assert process.poll() is None


def test_the_copy_is_private_and_goes_away_with_the_server(gunicorn):
    with gunicorn.serve() as process:
        process.send_signal(signal.SIGHUP)
        gunicorn.wait_until(lambda: len(gunicorn.workers()) >= 4)
        (copy,) = gunicorn.temporary.glob("lms-*.yml")
        assert copy.stat().st_mode & 0o777 == 0o600
    assert not list(gunicorn.temporary.glob("lms-*.yml"))


def test_the_server_does_not_start_with_a_broken_file_and_says_why_once(gunicorn):
    gunicorn.configure(FAULTY)
    assert gunicorn.start("--bind", gunicorn.url.removeprefix("http://")).wait(timeout=60) == 1
    log = gunicorn.log.read_text()
    assert log.count("The LMS does not start. ImproperlyConfigured: SINGLE_LOGIN_EXEMPT_USERNAMES must be a list") == 1
    assert "Traceback" not in log
    assert not list(gunicorn.temporary.glob("lms-*.yml"))


def test_the_server_does_not_start_without_a_file(gunicorn):
    del gunicorn.environment["LMS_CFG"]
    assert gunicorn.start("--bind", gunicorn.url.removeprefix("http://")).wait(timeout=60) == 1
    assert "The LMS does not start. LMS_CFG is not set." in gunicorn.log.read_text()


def test_a_server_that_cannot_listen_leaves_no_copy(gunicorn):
    address = gunicorn.url.removeprefix("http://")
    host, port = address.split(":")
    with socket.create_server((host, int(port))):
        assert gunicorn.start("--bind", address).wait(timeout=60) == 1
    assert not list(gunicorn.temporary.glob("lms-*.yml"))


def test_the_environment_says_how_many_workers_there_are(gunicorn):
    gunicorn.environment["WEB_CONCURRENCY"] = "3"
    with gunicorn.serve():
        gunicorn.wait_until(lambda: len(gunicorn.workers()) == 3)


def test_a_worker_that_replaces_another_finds_the_configuration_when_the_temporary_files_were_cleaned_away(gunicorn):
    with gunicorn.serve() as process:
        for copy in gunicorn.temporary.glob("lms-*.yml"):
            copy.unlink()
        for worker in gunicorn.workers():
            os.kill(int(worker), signal.SIGTERM)
        gunicorn.wait_until(lambda: len(gunicorn.workers()) >= 4)
        gunicorn.wait_until(gunicorn.answers)
        assert gunicorn.is_exempt()
    assert process.returncode == 0
    assert not list(gunicorn.temporary.glob("lms-*.yml"))
