"""The product as a newcomer meets it: the server of ``make run``, and twenty graders signed in as one account."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from testing.production_lms import free_port

REPO_ROOT = Path(__file__).resolve().parents[1]
SUBMISSIONS = 200
WORKERS = 20

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@contextmanager
def make_run(folder):
    """Run ``make run`` with its data in ``folder``; yield its URL, and stop it as Ctrl-C does."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / "make-run.log"
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
        assert "Traceback" not in (folder / "make-run.log").read_text()


def test_without_the_exemption_the_same_graders_are_evicted_and_running_again_loses_nothing(folder):
    lms_yml = folder / "lms.yml"
    before = lms_yml.read_text()
    lms_yml.write_text(re.sub(r"^SINGLE_LOGIN_EXEMPT_GROUPS:.*\n", "", before, flags=re.MULTILINE))
    with make_run(folder) as url:
        counts = grade_all(url, workers=WORKERS, seconds=10)
        assert counts["refused"] > 0
        assert counts["logins"] > WORKERS
        # The queue was graded in the run before, and was not filled again.
        assert counts["graded"] == 0
    assert lms_yml.read_text() == before.replace('SINGLE_LOGIN_EXEMPT_GROUPS: ["xqueue"]\n', "")
