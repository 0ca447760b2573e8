"""Locust users: graders, which use the protocol of xqueue-watcher, and learners."""

import itertools
import json
from collections import Counter

import gevent
from gevent.event import Event
from locust import User, constant, task
from locust.env import Environment

from measure.figures import show
from testing.visitor import TIMEOUT, Browser

# A redirect to the sign-in page is a refusal, too.
REFUSED = (301, 302, 401, 403)
RESULT = {"correct": True, "score": 1, "msg": "Well done."}


class Visitors(Environment):
    """Visitors of the site at ``url``. ``counts`` has the totals, and ``samples`` the totals after each second."""

    def __init__(self, url, options, graders, learners=0):
        Grader.fixed_count, Learner.fixed_count = graders, learners
        super().__init__(
            user_classes=[user for user in (Grader, Learner) if user.fixed_count],
            host=url,
            # Learners finish their round. Graders can be stopped at any moment.
            stop_timeout=TIMEOUT if learners else None,
        )
        self.options, self.size = options, graders + learners
        self.counts, self.statuses, self.samples = Counter(), Counter(), []
        self.numbers, self.idle, self.everybody_is_here = itertools.count(), set(), Event()

    def visit(self, title):
        """Start the visitors, and the clock when all are ready. Stop early if everything is graded."""
        runner = self.create_local_runner()
        show(f"{title}: signing in")
        runner.start(self.size, spawn_rate=min(100, self.size))
        self.everybody_is_here.wait()
        for second in range(self.options.seconds + 1):
            self.samples.append(Counter(self.counts))
            done = ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items()))
            show(f"{title}, {second} s of {self.options.seconds}: {done}")
            is_all_graded = len(self.idle) == self.size and not self.counts["lost results"]
            if second == self.options.seconds or is_all_graded:
                break
            gevent.sleep(1)
        runner.quit()
        show("")
        self.counts["errors"] = sum(error["count"] for error in runner.exceptions.values())

    def arrive(self):
        """Wait for the others."""
        self.counts["here"] += 1
        if self.counts["here"] == self.size:
            del self.counts["here"]
            self.everybody_is_here.set()
        self.everybody_is_here.wait()

    def browser(self, account):
        """Return a browser for ``account``. Its answers are counted."""
        browser = Browser(self.host, account, self.options.password)
        browser.statuses = self.statuses
        return browser


class Grader(User):
    """
    One connection of xqueue-watcher, with one session.

    It polls the queue, grades a submission and posts the result. After a refused request it signs in again and repeats
    the request once.
    """

    wait_time = constant(0)

    def on_start(self):
        """Sign in, and wait for the others."""
        self.counts, self.options = self.environment.counts, self.environment.options
        self.browser = self.environment.browser(self.options.account[0])
        try:
            self.sign_in()
        finally:
            self.environment.arrive()

    def sign_in(self):
        """Sign in with a new session."""
        status = self.browser.sign_in_to_xqueue()
        self.counts["logins" if status == 200 else "failed logins"] += 1

    @task
    def work(self):
        """Get a submission, grade it and post the result. If the queue is empty, wait a little."""
        response = self.request("GET", "/xqueue/get_submission/", params={"queue_name": self.options.queue})
        if not response.ok:
            return
        reply = response.json()
        gevent.sleep(self.options.pause)
        if reply["return_code"] != 0:
            self.environment.idle.add(self)
            return
        self.environment.idle.discard(self)
        data = {"xqueue_header": json.loads(reply["content"])["xqueue_header"], "xqueue_body": json.dumps(RESULT)}
        self.counts["graded" if self.request("POST", "/xqueue/put_result/", data=data).ok else "lost results"] += 1

    def request(self, method, path, **arguments):
        """Send a request. If it is refused, sign in and repeat it once. Return the response."""
        response = self.browser.request(method, path, **arguments)
        if response.status_code in REFUSED:
            self.counts["refused requests"] += 1
            self.sign_in()
            response = self.browser.request(method, path, **arguments)
            self.counts["refused requests"] += response.status_code in REFUSED
        return response


class Learner(User):
    """A person with two browsers who signs in with one and then the other, signs out, and repeats this."""

    wait_time = constant(0)

    def on_start(self):
        """Take an account that no other learner has."""
        account = self.environment.options.learner.format(next(self.environment.numbers))
        self.here, self.there = self.environment.browser(account), self.environment.browser(account)
        self.environment.arrive()

    @task
    def use_two_browsers(self):
        """Sign in with both browsers, find the first session ended, and sign out."""
        self.sign_in(self.here)
        self.sign_in(self.there)
        self.expect(not self.here.is_signed_in() and self.there.is_signed_in())
        self.there.sign_out()
        self.environment.counts["learners' logouts"] += 1
        self.expect(not self.there.is_signed_in())

    def on_stop(self):
        """Sign in with one browser, and stay signed in."""
        self.sign_in(self.here)
        self.expect(self.here.is_signed_in() and not self.there.is_signed_in())

    def sign_in(self, browser):
        """Sign in, and count it."""
        status, _ = browser.sign_in()
        self.environment.counts["learners' logins"] += 1
        self.expect(status == 200)

    def expect(self, is_so):
        """Count a learner who was let down, unless ``is_so``."""
        self.environment.counts["let down"] += not is_so
