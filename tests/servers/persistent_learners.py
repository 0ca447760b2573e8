"""Learners who sign in and out again and again, while a test kills servers."""

import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait

from testing.visitor import Browser

LOG = logging.getLogger(__name__)
SECONDS = 120
ASKED_TO_SIGN_IN = {302, 400, 403}


class PersistentLearners:
    """
    One learner for each of ``emails``, who signs in, opens the dashboard and signs out, again and again.

    ``outcomes`` counts the rounds: ``fine``, ``asked to sign in`` (again) and ``failed`` (a 5xx). Any other outcome is
    an error. ``keys`` are the session keys that they got.
    """

    def __init__(self, url, emails):
        self.browsers = [Browser(url, email) for email in emails]
        self.outcomes = Counter()
        self.keys = set()
        self._changed = threading.Condition()
        self._leave = threading.Event()

    def __enter__(self):
        self._pool = ThreadPoolExecutor(len(self.browsers))
        self._learners = [self._pool.submit(self._keep_going, browser) for browser in self.browsers]
        return self

    def __exit__(self, *exception):
        self._leave.set()
        wait(self._learners)
        self._pool.shutdown()
        statuses = sum((browser.statuses for browser in self.browsers), Counter())
        LOG.info("Rounds: %s. Answers: %s.", dict(self.outcomes), dict(statuses))
        for learner in self._learners:
            learner.result()

    def wait_for(self, outcome, times):
        """Wait until ``outcome`` has come ``times`` more."""
        with self._changed:
            wanted = self.outcomes[outcome] + times
            came = self._changed.wait_for(lambda: self._is_broken() or self.outcomes[outcome] >= wanted, SECONDS)
        assert came, f"Not {times} rounds that were {outcome}: {self.outcomes}"
        assert not self._is_broken(), "A learner was answered something that is neither."

    def _is_broken(self):
        return any(learner.done() for learner in self._learners)

    def _keep_going(self, browser):
        while not self._leave.is_set():
            try:
                outcome = self._play_round(browser)
            except BaseException:
                outcome = "broken"
                raise
            finally:
                with self._changed:
                    self.outcomes[outcome] += 1
                    self._changed.notify_all()

    def _play_round(self, browser):
        before = browser.statuses.copy()
        status, key = browser.sign_in()
        self.keys.add(key)
        is_fine = status == 200 and browser.is_signed_in()
        browser.sign_out()
        answers = set(browser.statuses - before)
        if any(status >= 500 for status in answers):
            return "failed"
        assert answers <= {200} | ASKED_TO_SIGN_IN, answers
        return "fine" if is_fine else "asked to sign in"
