"""Exempt graders and learners at once, on MariaDB, Redis and gunicorn: a short ``make load`` at a URL."""

import contextlib
import os
import re
import subprocess
import sys

from measure.populate import populate
from testing.production_lms import REPO_ROOT
from testing.visitor import PASSWORD
from tests.servers.session_store import stored_sessions

GRADERS = LEARNERS = 20
SECONDS = os.environ.get("LOAD_SECONDS", "5")
COMMAND = ["-m", "measure", "load", "--graders", str(GRADERS), "--learners", str(LEARNERS), "--seconds", SECONDS]


def test_under_load_the_right_sessions_are_kept_and_the_audit_log_agrees(lms, tmp_path, monkeypatch):
    monkeypatch.setattr(lms, "log", tmp_path / "lms.log")
    lms.configure(SINGLE_LOGIN_EXEMPT_USERNAMES=["load-grader"])
    populate(lms, {"load-grader": ["xqueue"], **{f"load-{number}": [] for number in range(LEARNERS)}})
    with lms.serve(workers=2, threads=4) as url:
        load = subprocess.run(
            [sys.executable, *COMMAND, "--url", url],
            cwd=REPO_ROOT,
            env={**os.environ, "MEASURE_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
        )
        assert load.returncode == 0, load.stdout + load.stderr
        sessions = stored_sessions(lms)
    with contextlib.closing(lms.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT id FROM auth_user WHERE username LIKE 'load-%' ORDER BY username")
        assert [len(sessions[number]) for (number,) in cursor.fetchall()] == [1] * LEARNERS + [GRADERS]
    log = lms.log.read_text()
    logins, logouts, exempted, evicted = (
        len(re.findall(rf"\[audit\] {line} - user\.id: \d+", log))
        for line in ("Login success", "Logout", "Single login exempt", "Single login evicted")
    )
    # Each round of a learner has two logins and a logout. The second login evicts. At the end one more login follows.
    assert logouts > 0
    assert (logins, exempted, evicted) == (GRADERS + 2 * logouts + LEARNERS, GRADERS, logouts)
