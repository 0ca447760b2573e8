#!/usr/bin/env python
"""
Twenty graders at once: what xqueue-watcher does, in one process.

Each grader is a client of its own, all signed in as one account. It polls the queue, grades what it gets and posts the
result; when it is refused it signs in again and repeats the request once, as the real one does. Grading stops when the
queue has been empty for every grader, or after --seconds. The counts are printed as JSON.
"""

import argparse
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests

REFUSED = (301, 302, 401, 403)
TIMEOUT = 120


class Grader:
    """One xqueue-watcher connection."""

    def __init__(self, url, username, password, queue):
        self.url = url
        self.credentials = {"username": username, "password": password}
        self.queue = queue
        self.session = requests.Session()
        self.counts = Counter()

    def sign_in(self):
        """Start a new session from scratch."""
        login_url = f"{self.url}/xqueue/login/"
        self.session.cookies.clear()
        self.session.get(login_url, timeout=TIMEOUT)
        self._carry_csrf_token(login_url)
        response = self.session.post(login_url, data=self.credentials, timeout=TIMEOUT)
        self.counts["logins" if response.ok else "failed_logins"] += 1
        self._carry_csrf_token(self.url)

    def request(self, method, path, **kwargs):
        """Send a request; sign in and repeat it once if it is refused."""
        response = self._send(method, path, **kwargs)
        if response.status_code in REFUSED:
            self.sign_in()
            response = self._send(method, path, **kwargs)
        return response

    def work(self, deadline):
        """Grade until the queue is empty or ``deadline``, in seconds of the monotonic clock, is past."""
        while time.monotonic() < deadline:
            response = self.request("GET", "/xqueue/get_submission/", params={"queue_name": self.queue})
            if not response.ok:
                continue
            reply = response.json()
            if reply["return_code"] != 0:
                break
            self.grade(json.loads(reply["content"]))

    def grade(self, submission):
        """Give full marks, and post them."""
        result = {"correct": True, "score": 1, "msg": "Well done."}
        data = {"xqueue_header": submission["xqueue_header"], "xqueue_body": json.dumps(result)}
        response = self.request("POST", "/xqueue/put_result/", data=data)
        self.counts["graded" if response.ok else "lost"] += 1

    def _send(self, method, path, **kwargs):
        response = self.session.request(method, self.url + path, timeout=TIMEOUT, allow_redirects=False, **kwargs)
        self.counts[f"status_{response.status_code}"] += 1
        return response

    def _carry_csrf_token(self, referer):
        self.session.headers["Referer"] = referer
        self.session.headers["X-CSRFToken"] = self.session.cookies.get("csrftoken", "")


def grade_all(url, *, workers, seconds, username="xqwatcher", password="edx", queue="test-queue"):  # noqa: S107
    """Let ``workers`` graders sign in at once, then grade for ``seconds`` at most; return their counts, added up."""
    graders = [Grader(url, username, password, queue) for _ in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(Grader.sign_in, graders))
        deadline = time.monotonic() + seconds
        list(pool.map(lambda grader: grader.work(deadline), graders))
    return sum((grader.counts for grader in graders), Counter())


def main():
    """Run the graders that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:18000")
    parser.add_argument("--workers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    print(json.dumps(grade_all(options.url, workers=options.workers, seconds=options.seconds), indent=2))


if __name__ == "__main__":
    main()
