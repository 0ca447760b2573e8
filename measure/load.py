#!/usr/bin/env python
"""
Exempt workers and learners at once on a production LMS: is anybody refused who should not be?

The workers sign in once, all as one exempt account, and poll the queue without a pause. Each learner has an account of
its own and signs in with one browser, then with another, which must end the first session, then signs out, again and
again. Prints what was counted as JSON, and exits 1 if anything is not as it should be. Needs MariaDB and Redis
(production_lms.py).
"""

import argparse
import contextlib
import json
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from measure.graders import Grader
from testing.production_lms import find_obstacle, production_lms
from testing.session_store import live_sessions
from testing.visitor import Browser

WORKER, QUEUE, PASSWORD = "load-worker", "load-queue", "edx"
GUNICORN = {"workers": 4, "threads": 4}
AUDIT_LINES = {
    "logins": r"\[audit\] Login success - user\.id: \d+$",
    "logouts": r"\[audit\] Logout - user\.id: \d+$",
    "evictions": r"\[audit\] Single login evicted - user\.id: \d+ - ",
    "exemptions": r"\[audit\] Single login exempt - user\.id: \d+ - SINGLE_LOGIN_EXEMPT_GROUPS",
}

CREATE_ACCOUNTS = """
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
names = ["{worker}", *(f"load-learner{{number}}" for number in range({learners}))]
password = make_password("{password}")
User.objects.bulk_create(
    [User(username=name, email=name + "@example.com", password=password) for name in names], ignore_conflicts=True
)
User.objects.get(username="{worker}").groups.add(Group.objects.get_or_create(name="load-workers")[0])
User.objects.get(username="{worker}").groups.add(Group.objects.get_or_create(name="xqueue")[0])
"""


class Learner:
    """Somebody who signs in here and there, one place at a time."""

    def __init__(self, url, number):
        email = f"load-learner{number}@example.com"
        self.here, self.there = Browser(url, email, PASSWORD), Browser(url, email, PASSWORD)
        self.counts = Counter()

    def live(self, deadline):
        """Sign in and out until ``deadline``; stay signed in, in one place, in the end."""
        while time.monotonic() < deadline:
            self.sign_in(self.here)
            self.sign_in(self.there)
            self.counts["evictions"] += 1
            self.expect(not self.here.is_signed_in(), "earlier sessions still alive")
            self.expect(self.there.is_signed_in(), "sessions lost")
            self.there.sign_out()
            self.counts["logouts"] += 1
            self.expect(not self.there.is_signed_in(), "still signed in after signing out")
        self.sign_in(self.here)
        self.expect(self.here.is_signed_in(), "sessions lost")

    def sign_in(self, browser):
        """Sign in, and count it."""
        status, _ = browser.sign_in()
        self.counts["logins"] += 1
        self.expect(status == 200, "logins refused")

    def expect(self, is_so, otherwise):
        """Count a fault under the name ``otherwise`` unless it is so."""
        self.counts[otherwise] += not is_so

    @property
    def statuses(self):
        """What it was answered."""
        return self.here.statuses + self.there.statuses


class Worker(Grader):
    """A worker that stays signed in and polls an empty queue."""

    def __init__(self, url):
        super().__init__(url, WORKER, PASSWORD, QUEUE)

    def live(self, deadline):
        """Poll until ``deadline``."""
        self.sign_in()
        while time.monotonic() < deadline:
            self.request("GET", "/xqueue/get_submission/", params={"queue_name": QUEUE})

    @property
    def statuses(self):
        """What it was answered when it polled."""
        named = {name: count for name, count in self.counts.items() if name.startswith("status_")}
        return Counter({int(name.removeprefix("status_")): count for name, count in named.items()})


def put_under_load(lms, *, seconds, workers=100, learners=100):
    """Let them all at a gunicorn of ``lms`` for ``seconds``; return the figures, and what is wrong with them."""
    lms.configure(SINGLE_LOGIN_EXEMPT_GROUPS=["load-workers"])
    lms.manage(
        "shell", "--no-imports", "-c", CREATE_ACCOUNTS.format(worker=WORKER, learners=learners, password=PASSWORD)
    )
    lms.log.write_text("")
    with lms.serve(**GUNICORN) as url:
        crowd = [Worker(url) for _ in range(workers)] + [Learner(url, number) for number in range(learners)]
        barrier = threading.Barrier(len(crowd))

        def live(client):
            barrier.wait()
            client.live(time.monotonic() + seconds)

        with ThreadPoolExecutor(len(crowd)) as pool:
            list(pool.map(live, crowd))
        sessions = count_sessions(lms)
    figures = summarise(crowd[:workers], crowd[workers:], sessions, lms.log.read_text())
    return figures, find_faults(figures, workers, learners)


def count_sessions(lms):
    """Return how many accounts of ours have how many live sessions."""
    with contextlib.closing(lms.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT id FROM auth_user WHERE username LIKE 'load-%'")
        accounts = [number for (number,) in cursor.fetchall()]
    sessions = live_sessions(lms)
    return dict(Counter(len(sessions.get(number, ())) for number in accounts))


def summarise(workers, learners, sessions, log):
    """Return what the clients counted, what the session store holds, and what the audit log says."""
    return {
        "workers": dict(sum((Counter(worker.counts) for worker in workers), Counter())),
        "learners": dict(sum((learner.counts for learner in learners), Counter())),
        "statuses": dict(sum((client.statuses for client in [*workers, *learners]), Counter())),
        "accounts_by_live_sessions": sessions,
        "audit_log": {name: len(re.findall(line, log, re.MULTILINE)) for name, line in AUDIT_LINES.items()},
    }


def find_faults(figures, workers, learners):
    """Return what is wrong with ``figures``, in words."""
    counted = figures["learners"]
    expected_log = {
        "logins": counted["logins"] + workers,
        "logouts": counted["logouts"],
        "evictions": counted["evictions"],
        "exemptions": workers,
    }
    promises = {
        "There were answers other than 200 and 302": set(figures["statuses"]) <= {200, 302},
        "Workers had to sign in again, or could not": figures["workers"]["logins"] == workers
        and set(figures["workers"]) == {"logins", "status_200"},
        "Learners were let down": set(counted) == {"logins", "logouts", "evictions"},
        "An account has too many sessions, or too few": figures["accounts_by_live_sessions"]
        == {1: learners, workers: 1},
        f"The audit log should have {expected_log}": figures["audit_log"] == expected_log,
    }
    return [fault for fault, is_kept in promises.items() if not is_kept]


def main():
    """Put the LMS under load as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    obstacle = find_obstacle()
    if obstacle:
        sys.exit(obstacle)
    with tempfile.TemporaryDirectory() as folder, production_lms(folder) as lms:
        figures, faults = put_under_load(lms, seconds=options.seconds)
    print(json.dumps(figures, indent=2))
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
