"""The product as a newcomer meets it: the server of ``make run``, and twenty graders signed in as one account."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import requests

from testing.production_lms import free_port

REPO_ROOT = Path(__file__).resolve().parents[1]
SUBMISSIONS = 200
WORKERS = 20
# The first words of each lms.yml that "make run" writes.
MARK = '# Made by "make run"'

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@contextmanager
def make_run(folder):
    """Run ``make run`` with its data in ``folder``; yield its URL, and stop it as Ctrl-C does."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / f"make-run-{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}", f"DATA_DIR={folder}"],
            cwd=REPO_ROOT,
            env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(url, process, log)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def wait_for(url, process, log):
    """Return when the server's heartbeat is well."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(f"{url}/heartbeat", timeout=10).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def sign_in(url, email):
    """Return a browser's worth of cookies, signed in."""
    browser = requests.Session()
    endpoint = f"{url}/api/user/v1/account/login_session/"
    browser.get(endpoint, timeout=60)
    headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": url}
    response = browser.post(endpoint, data={"email": email, "password": "edx"}, headers=headers, timeout=60)
    assert response.json()["success"] is True
    return browser


def is_signed_in(url, browser):
    """Tell whether the dashboard opens."""
    return browser.get(f"{url}/dashboard", timeout=60, allow_redirects=False).status_code == 200


def grade_all(url, *, workers, seconds):
    """Let ``workers`` graders work for ``seconds``, as ``make graders`` does; return what they counted."""
    command = [sys.executable, "-m", "measure", "storm", "--url", url, "--graders", str(workers), "--pause", "0"]
    environment = {**os.environ, "MEASURE_PASSWORD": "edx"}
    with tempfile.NamedTemporaryFile() as file:
        arguments = [*command, "--seconds", str(seconds), "--json", file.name]
        subprocess.run(arguments, cwd=REPO_ROOT, env=environment, check=False)
        return json.loads(file.read())


def waiting(folder):
    """Return how many submissions wait to be graded."""
    with closing(sqlite3.connect(folder / "lms.sqlite3")) as database:
        query = "SELECT COUNT(*) FROM submissions_externalgraderdetail WHERE status = 'pending'"
        return database.execute(query).fetchone()[0]


def refuse_to_run(**variables):
    """Run ``make run``, which has to refuse; return what it says."""
    arguments = [f"{name}={value}" for name, value in variables.items()]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(["make", "run", *arguments], cwd=REPO_ROOT, **pipes) as process:
        try:
            stdout, stderr = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    assert process.returncode == 2
    assert "The LMS is on" not in stdout
    said = [line for line in stderr.splitlines() if not re.match(r"make(\[\d+\])?: ", line)]
    assert len(said) == 1, stderr
    return said[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


def test_twenty_graders_stay_signed_in_while_a_learner_keeps_one_session(folder):
    with make_run(folder) as url:
        counts = grade_all(url, workers=WORKERS, seconds=300)
        assert counts["logins"] == WORKERS
        assert counts["graded"] == SUBMISSIONS
        assert counts["refused"] == counts["lost"] == counts["errors"] == 0

        first = sign_in(url, "honor@example.com")
        assert is_signed_in(url, first)
        second = sign_in(url, "honor@example.com")
        assert not is_signed_in(url, first)
        assert is_signed_in(url, second)
        assert "Exempt" in sign_in(url, "xqwatcher@example.com").get(f"{url}/dashboard", timeout=60).text
        assert sign_in(url, "staff@example.com").get(f"{url}/admin/", timeout=60).status_code == 200
        (log,) = folder.glob("make-run-*.log")
        assert "Traceback" not in log.read_text()
        # 400 requests of the graders later, their logins are what the log tells of them.
        assert log.read_text().count("\n") < 4 * WORKERS


def test_without_the_exemption_the_same_graders_are_evicted_while_work_waits(folder):
    lms_yml = folder / "lms.yml"
    before = lms_yml.read_text()
    lms_yml.write_text(re.sub(r"^SINGLE_LOGIN_EXEMPT_GROUPS:.*\n", "", before, flags=re.MULTILINE))
    with make_run(folder) as url:
        assert waiting(folder) == SUBMISSIONS
        counts = grade_all(url, workers=WORKERS, seconds=10)
        assert counts["refused"] > 0
        assert counts["logins"] > WORKERS
    assert lms_yml.read_text() == before.replace('SINGLE_LOGIN_EXEMPT_GROUPS: ["xqueue"]\n', "")


def test_what_the_demo_knows_is_for_its_owner_alone(tmp_path):
    # As devstack leaves it in var/.
    (tmp_path / "lms.sqlite3").touch(mode=0o644)
    with make_run(tmp_path):
        # SQLite makes its other files, which come and go, as it finds this one.
        for name in ("lms.yml", "lms.sqlite3"):
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lms.yml").read_text().startswith(MARK)


def test_two_at_once_in_one_folder_both_serve(tmp_path):
    with ExitStack() as runs, ThreadPoolExecutor(2) as pool:
        for url in pool.map(lambda _: runs.enter_context(make_run(tmp_path)), range(2)):
            assert is_signed_in(url, sign_in(url, "honor@example.com"))


@pytest.mark.parametrize("port", ["", "0", "99999", "18 322", "http", "-1", "80.5"])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    said = refuse_to_run(DATA_DIR=tmp_path / "new", PORT=port)
    assert said == f"PORT must be a number from 1 to 65535, but it is {port!r}."
    assert not list(tmp_path.iterdir())


def test_a_port_that_is_taken_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refuse_to_run(DATA_DIR=tmp_path, PORT=port)
    assert said == f"PORT={port} cannot be used: Address already in use. Choose another: make run PORT=..."


@pytest.mark.parametrize("data_dir", ["", "with space"])
def test_a_folder_that_is_none_or_two_is_refused(data_dir):
    said = refuse_to_run(DATA_DIR=data_dir)
    assert f'DATA_DIR must name one folder, without spaces, but it is "{data_dir}"' in said


@pytest.mark.parametrize("change", ["another's", "another database", "without the mark", "one database more"])
def test_the_accounts_with_a_known_password_go_into_the_demos_own_database_alone(tmp_path, change):
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
    said = refuse_to_run(DATA_DIR=tmp_path, PORT=free_port())
    assert said.startswith(f'{lms_yml} is not what "make run" wrote')
    assert list(tmp_path.iterdir()) == [lms_yml]
    assert lms_yml.read_text() == changed


def test_a_faulty_lms_yml_is_told_in_a_line(tmp_path):
    database = f"{{ENGINE: django.db.backends.sqlite3, NAME: {tmp_path}/lms.sqlite3}}"
    faulty = f"SECRET_KEY: key\nPREVENT_CONCURRENT_LOGINS: flase\nDATABASES: {{default: {database}}}\n"
    (tmp_path / "lms.yml").write_text(f"{MARK}\n{faulty}")
    said = refuse_to_run(DATA_DIR=tmp_path, PORT=free_port())
    assert said.startswith("PREVENT_CONCURRENT_LOGINS must be true or false")
