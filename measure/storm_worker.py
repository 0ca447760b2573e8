"""
The storm's user class: a locust user that speaks xqueue-watcher's protocol.

Each user is one connection of xqueue-watcher, with a session of its own, and all sign in as one account. It polls the
queue, grades what it gets for GRADING_SECONDS, posts the result; refused, it signs in again and repeats the request
once. The clock starts when everybody has signed in for the first time.
"""

import contextlib
import json
import statistics
import time
from collections import Counter, defaultdict
from pathlib import Path

import gevent
from gevent.event import Event
from locust import FastHttpUser, constant, events, task

USERNAME, PASSWORD, QUEUE = "xqwatcher", "edx", "test-queue"
GRADING_SECONDS = 1
POLLING_SECONDS = 1
REFUSED = (301, 302, 401, 403)
RESULT = {"correct": True, "score": 1, "msg": "Well done."}


class Grader(FastHttpUser):
    """One connection of xqueue-watcher."""

    wait_time = constant(0)
    network_timeout = connection_timeout = 120
    counts = Counter()
    milliseconds = defaultdict(list)
    ready = Event()

    def on_start(self):
        """Sign in, and wait for the others."""
        self.sign_in()
        self.counts["started"] += 1
        if self.counts["started"] == self.environment.parsed_options.num_users:
            self.ready.set()
        self.ready.wait()

    def sign_in(self):
        """Start a new session from scratch."""
        with self._timed("login"):
            self.client.cookiejar.clear()
            self.client.get("/xqueue/login/")
            response = self._send("POST", "/xqueue/login/", data={"username": USERNAME, "password": PASSWORD})
        self.counts["logins" if response.ok else "failed_logins"] += 1

    @task
    def work(self):
        """Get a submission, grade it and post the result; wait a little when there is none."""
        with self._timed("get_submission"):
            response = self._request("GET", f"/xqueue/get_submission/?queue_name={QUEUE}")
        if not response.ok:
            return
        reply = response.json()
        if reply["return_code"] == 0:
            self._grade(json.loads(reply["content"]))
        else:
            self.counts["empty"] += 1
            gevent.sleep(POLLING_SECONDS)

    def _grade(self, submission):
        gevent.sleep(GRADING_SECONDS)
        data = {"xqueue_header": submission["xqueue_header"], "xqueue_body": json.dumps(RESULT)}
        with self._timed("put_result"):
            response = self._request("POST", "/xqueue/put_result/", data=data)
        self.counts["graded" if response.ok else "lost"] += 1

    def _request(self, method, path, **arguments):
        response = self._send(method, path, **arguments)
        if response.status_code in REFUSED:
            self.counts["evictions"] += response.status_code in (401, 403)
            self.sign_in()
            response = self._send(method, path, **arguments)
            self.counts["evictions"] += response.status_code in (401, 403)
        return response

    def _send(self, method, path, **arguments):
        token = next((cookie.value for cookie in self.client.cookiejar if cookie.name == "csrftoken"), "")
        headers = {"X-CSRFToken": token, "Referer": self.host}
        return self.client.request(method, path, headers=headers, allow_redirects=False, **arguments)

    @contextlib.contextmanager
    def _timed(self, name):
        start = time.monotonic()
        yield
        self.milliseconds[name].append(1000 * (time.monotonic() - start))


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    """Add what measure/storm.py says on the command line."""
    parser.add_argument("--seconds", type=int, help="from the moment when everybody has signed in")
    parser.add_argument("--result", type=Path, help="where to write what happened, as JSON")


@events.test_start.add_listener
def start(environment, **kwargs):
    """Watch over the run."""
    gevent.spawn(_watch, environment)


def _watch(environment):
    Grader.ready.wait()
    options = environment.parsed_options
    samples = [_sample(0)]
    for second in range(1, options.seconds + 1):
        gevent.sleep(1)
        samples.append(_sample(second))
        _show(samples[-1])
    times = {name: _percentiles(Grader.milliseconds[name]) for name in ("login", "get_submission", "put_result")}
    options.result.write_text(json.dumps({"counts": Grader.counts, "times": times, "samples": samples}))
    environment.runner.quit()


def _sample(second):
    return {"second": second, **{name: Grader.counts[name] for name in ("graded", "logins", "evictions")}}


def _show(sample):
    print("\r  {second:3} s {graded:6} graded {logins:6} logins {evictions:6} evictions".format(**sample), end="")


def _percentiles(measured):
    """Return the median and the 95th percentile; None when there is too little to tell."""
    if len(measured) < 2:
        return None
    cuts = statistics.quantiles(measured, n=20, method="inclusive")
    return {"p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1)}
