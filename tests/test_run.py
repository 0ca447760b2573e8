"""``make run``, and ``make graders`` with twenty graders signed in as one account."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from testing.production_lms import REPO_ROOT, free_port
from testing.visitor import PASSWORD
from tools.provision import DATABASE, MARK, check_port, write_config

SUBMISSIONS = 200
GRADERS = 20

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


class Demo(NamedTuple):
    """A running ``make run``: its address, data and output."""

    folder: Path
    port: int
    log: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


def start_make(target, *, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **variables):
    """Start ``make`` in a new process group. The tests may themselves run under make."""
    unwanted = ("MAKE", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return subprocess.Popen(
        ["make", target, *(f"{name}={value}" for name, value in variables.items())],
        cwd=REPO_ROOT,
        env=environment,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=True,
        # These tests may run in the background of a shell, where Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def run_make(target, **variables):
    """Run ``make`` to its end. Return its return code, its output, and its errors without those of make."""
    with start_make(target, **variables) as process:
        try:
            stdout, stderr = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    said = [line for line in stderr.splitlines() if not re.match(r"make(\[\d+\])?: ", line)]
    return process.returncode, stdout, said


@contextmanager
def make_run(folder):
    """Run ``make run`` with its data in ``folder``. Yield the demo, and stop it as Ctrl-C does."""
    port = free_port()
    demo = Demo(folder, port, folder / f"make-run-{port}.log")
    with demo.log.open("w") as output:
        process = start_make("run", PORT=port, DATA_DIR=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_for(demo, process)
            yield demo
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)
    with pytest.raises(requests.ConnectionError):
        requests.get(demo.url, timeout=5)
    assert "Traceback" not in demo.log.read_text()


def wait_for(demo, process):
    """Wait until the server's heartbeat answers 200."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, demo.log.read_text()
        try:
            if requests.get(f"{demo.url}/heartbeat", timeout=10).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError(demo.log.read_text())


def sign_in(demo, email):
    """Sign in, and return the session with its cookies."""
    browser = requests.Session()
    endpoint = f"{demo.url}/api/user/v1/account/login_session/"
    browser.get(endpoint, timeout=60)
    headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": demo.url}
    response = browser.post(endpoint, data={"email": email, "password": PASSWORD}, headers=headers, timeout=60)
    assert response.json()["success"] is True
    return browser


def is_signed_in(demo, browser):
    """Tell whether the dashboard opens."""
    return browser.get(f"{demo.url}/dashboard", timeout=60, allow_redirects=False).status_code == 200


def make_graders(demo, tmp_path, *, seconds):
    """Run ``make graders`` with grading that takes no time. Return the return code and the counts."""
    rows = tmp_path / "rows.json"
    rows.unlink(missing_ok=True)
    arguments = f"--pause 0 --seconds {seconds} --json {rows}"
    returncode, _, _ = run_make("graders", PORT=demo.port, DATA_DIR=demo.folder, ARGS=arguments)
    return returncode, json.loads(rows.read_text())


def refuse(target, **variables):
    """Run ``make``, which must refuse with one line. Return that line."""
    returncode, stdout, said = run_make(target, **variables)
    assert returncode == 2
    assert stdout == ""
    (line,) = said
    return line


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    lms_yml = folder / "lms.yml"
    write_config(lms_yml, folder / DATABASE)
    # A cheap password hash, for speed.
    with lms_yml.open("a") as file:
        file.write("PASSWORD_HASHERS: [django.contrib.auth.hashers.MD5PasswordHasher]\n")
    with make_run(folder) as demo:
        yield demo


def test_make_graders_grades_everything_with_one_login_each_as_often_as_it_is_run(demo, tmp_path):
    for _ in range(2):
        returncode, counts = make_graders(demo, tmp_path, seconds=250)
        assert returncode == 0
        assert counts["logins"] == GRADERS
        assert counts["graded"] == SUBMISSIONS
        assert counts["refused requests"] == counts["lost results"] == counts["errors"] == 0
        # As after an interrupted run. edx-submissions offers such submissions again after five minutes.
        with closing(sqlite3.connect(demo.folder / "lms.sqlite3")) as database, database:
            long_ago = "SET status = 'pulled', status_time = '2000-01-01'"
            database.execute(f"UPDATE submissions_externalgraderdetail {long_ago}")
    # Only the logins are logged, not the hundreds of other requests.
    assert demo.log.read_text().count("\n") < 8 * GRADERS


def test_an_empty_queue_is_not_a_success(demo):
    arguments = "--pause 0 --queue other"
    returncode, _, said = run_make("graders", PORT=demo.port, DATA_DIR=demo.folder, ARGS=arguments)
    assert returncode == 2
    assert said == [f"Nothing was graded: the queue other at {demo.url} is empty. Submit some work first."]


def test_ctrl_c_ends_make_graders_without_a_traceback(demo):
    with start_make("graders", PORT=demo.port, DATA_DIR=demo.folder, ARGS="--seconds 300") as process:
        assert process.stdout.readline().startswith(f"{SUBMISSIONS} submissions wait")
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in stdout + stderr


def test_a_learner_keeps_one_session(demo):
    first = sign_in(demo, "honor@example.com")
    assert is_signed_in(demo, first)
    second = sign_in(demo, "honor@example.com")
    assert not is_signed_in(demo, first)
    assert is_signed_in(demo, second)


def test_the_dashboard_and_the_page_for_staff_tell_who_is_exempt(demo):
    assert "Exempt" in sign_in(demo, "xqwatcher@example.com").get(f"{demo.url}/dashboard", timeout=60).text
    staff = sign_in(demo, "staff@example.com")
    assert staff.get(f"{demo.url}/admin/", timeout=60).status_code == 200
    page = f"{demo.url}/single_login/exemptions/"
    assert "xqwatcher" in staff.get(page, timeout=60).text
    assert page in demo.log.read_text()


def test_the_set_up_shows_its_steps(demo):
    assert demo.log.read_text().startswith(f"Creating the tables of {demo.folder}")


def test_without_the_exemption_the_graders_evict_each_other(demo, tmp_path):
    lms_yml = demo.folder / "lms.yml"
    before = lms_yml.read_text()
    changed = before.replace('SINGLE_LOGIN_EXEMPT_GROUPS: ["xqueue"]\n', "")
    assert changed != before
    lms_yml.write_text(changed)
    try:
        # The first server keeps the settings that it has read.
        with make_run(demo.folder) as without_exemption:
            returncode, counts = make_graders(without_exemption, tmp_path, seconds=2)
        assert lms_yml.read_text() == changed
    finally:
        lms_yml.write_text(before)
    assert returncode == 2
    assert counts["refused requests"] > 0
    assert counts["logins"] > GRADERS


def test_two_set_ups_at_once_in_one_folder_both_succeed_and_only_the_owner_can_read_it(tmp_path):
    # As devstack creates it in var/.
    (tmp_path / "lms.sqlite3").touch(mode=0o644)
    environment = {**os.environ, "PORT": str(free_port()), "LMS_CFG": str(tmp_path / "lms.yml")}
    del environment["DJANGO_SETTINGS_MODULE"]
    command = [sys.executable, "-m", "tools.provision"]
    both = [subprocess.Popen(command, cwd=REPO_ROOT, env=environment) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    # SQLite creates its other files with the permissions of this one.
    for name in ("lms.yml", "lms.sqlite3"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lms.yml").read_text().startswith(MARK)


@pytest.mark.parametrize("port", ["", "0", "99999", "18 322", "http", "-1", "80.5"])
def test_an_invalid_port_is_refused(port):
    with pytest.raises(ValueError, match=f"^PORT must be a number from 1 to 65535, but it is '{port}'"):
        check_port(port)


def test_a_port_in_use_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refuse("run", DATA_DIR=tmp_path / "new", PORT=port)
    assert said == f"PORT={port} cannot be used: Address already in use. Choose another: make run PORT=..."
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["run", "graders"])
@pytest.mark.parametrize("data_dir", ["", "with space"])
def test_a_data_dir_that_is_not_one_folder_is_refused(target, data_dir):
    said = refuse(target, DATA_DIR=data_dir)
    assert f'DATA_DIR must name one folder, without spaces, but it is "{data_dir}"' in said


def test_graders_without_a_demo_are_refused(tmp_path):
    said = refuse("graders", DATA_DIR=tmp_path)
    assert said == f'There is no demo in {tmp_path}. Start it first with "make run", or name its DATA_DIR.'


def test_graders_before_the_set_up_is_complete_are_refused(tmp_path):
    database = f"{{ENGINE: django.db.backends.sqlite3, NAME: {tmp_path}/lms.sqlite3}}"
    (tmp_path / "lms.yml").write_text(f"{MARK}\nSECRET_KEY: key\nDATABASES: {{default: {database}}}\n")
    said = refuse("graders", DATA_DIR=tmp_path)
    assert said.startswith(f"The queue in {tmp_path} cannot be filled: no such table")


@pytest.mark.parametrize("target", ["run", "graders"])
@pytest.mark.parametrize("change", ["another's", "another database", "without the mark", "one database more"])
def test_accounts_and_submissions_go_only_into_the_demos_own_database(tmp_path, target, change):
    ours = (
        f"{MARK}\nSECRET_KEY: key\nDATABASES:\n"
        f"  default: {{ENGINE: django.db.backends.sqlite3, NAME: {tmp_path}/lms.sqlite3}}\n"
    )
    other = f"  other: {{ENGINE: django.db.backends.sqlite3, NAME: {tmp_path}/other}}\n"
    changed = {
        "another's": "SECRET_KEY: somebody-elses-random-key\nFEATURES: {PREVENT_CONCURRENT_LOGINS: true}\n",
        "another database": ours.replace("lms.sqlite3", "production.sqlite3"),
        "without the mark": ours.replace(MARK, "# Made by hand"),
        "one database more": ours.replace("DATABASES:\n", f"DATABASES:\n{other}"),
    }[change]
    lms_yml = tmp_path / "lms.yml"
    lms_yml.write_text(changed)
    said = refuse(target, DATA_DIR=tmp_path, PORT=free_port())
    assert said.startswith(f'{lms_yml} is not what "make run" wrote')
    assert list(tmp_path.iterdir()) == [lms_yml]
    assert lms_yml.read_text() == changed


@pytest.mark.parametrize("target", ["run", "graders"])
def test_a_file_that_is_no_database_is_refused_in_a_line(tmp_path, target):
    write_config(tmp_path / "lms.yml", tmp_path / DATABASE)
    (tmp_path / DATABASE).write_text("This is no database. " * 100)
    returncode, _, (line,) = run_make(target, DATA_DIR=tmp_path, PORT=free_port())
    assert returncode == 2
    assert "file is not a database" in line


@pytest.mark.parametrize("target", ["run", "graders"])
def test_a_faulty_lms_yml_is_refused_in_a_line(tmp_path, target):
    database = f"{{ENGINE: django.db.backends.sqlite3, NAME: {tmp_path}/lms.sqlite3}}"
    faulty = f"SECRET_KEY: key\nPREVENT_CONCURRENT_LOGINS: flase\nDATABASES: {{default: {database}}}\n"
    (tmp_path / "lms.yml").write_text(f"{MARK}\n{faulty}")
    said = refuse(target, DATA_DIR=tmp_path, PORT=free_port())
    assert said.startswith("PREVENT_CONCURRENT_LOGINS must be true or false")
