"""Requests that stop at given places, so that a test can interleave two of them step by step."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.contrib.sessions.backends.cache import KEY_PREFIX
from django.core.cache.backends.redis import RedisCache
from django.db import connection, connections

# Less than MariaDB's innodb_lock_wait_timeout, 50, so that a request that waits for a locked row fails its test.
SECONDS = 30


class Step:
    """A place at which one thread stops once, until the test lets it go on."""

    def __init__(self):
        self.reached, self.released = threading.Event(), threading.Event()

    def stop_here(self):
        """Stop at the first call. Later calls do nothing."""
        if not self.reached.is_set():
            self.reached.set()
            assert self.released.wait(SECONDS)


class _Steps(threading.local):
    is_saving = False


# The steps of each thread, by the name of the place.
steps = _Steps()


def stop(where):
    """Stop, if this thread has a step of this name."""
    step = vars(steps).get(where)
    if step:
        step.stop_here()


class SteppingRedisCache(RedisCache):
    """Redis with two stops: within the save of a session, and before its deletion."""

    def set(self, key, *args, **kwargs):
        if steps.is_saving:
            stop("within_save")
        return super().set(key, *args, **kwargs)

    def delete(self, key, *args, **kwargs):
        if KEY_PREFIX in key:
            stop_before_delete()
        return super().delete(key, *args, **kwargs)


class StopBeforeSaveMiddleware:
    """A stop after the view and its commit, before the session middleware saves the session."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        stop("before_save")
        steps.is_saving = True
        return response


def stop_before_commit(**kwargs):
    """The last receiver of user_logged_in. With ATOMIC_REQUESTS the record is written and not committed."""
    stop("before_commit")


def stop_before_login(update_fields, **kwargs):
    """A receiver of pre_save: the password was right, and the login is not noted in the account's row yet."""
    if update_fields == frozenset(["last_login"]):
        stop("before_login")


def stop_before_insert(instance, **kwargs):
    """A receiver of pre_save: there is no profile yet, and one will be created."""
    if instance.pk is None:
        stop("before_insert")


def stop_before_delete(**kwargs):
    """A receiver of pre_delete: before a session is deleted from the database."""
    stop("before_delete")


def stop_within_load(**kwargs):
    """A receiver of post_init: a session was read from the database and is not in the cache yet."""
    stop("within_load")


@contextmanager
def in_background(action, **where):
    """
    Run ``action`` in a thread with another database connection. If it has a step, wait until it has stopped there.

    Yields a function that lets the thread go on and returns the result of ``action``.
    """

    def run():
        vars(steps).update(where)
        try:
            return action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)

        def finish():
            for step in where.values():
                step.released.set()
            return future.result(SECONDS)

        try:
            for step in where.values():
                assert step.reached.wait(SECONDS)
            yield finish
        finally:
            finish()


def wait_until_somebody_waits_for_a_row():
    """Wait until a connection to this database waits for a row that another connection has locked."""
    found = (
        "SELECT COUNT(*) FROM information_schema.innodb_trx JOIN information_schema.processlist "
        "ON id = trx_mysql_thread_id WHERE db = DATABASE() AND trx_state = 'LOCK WAIT'"
    )
    deadline = time.monotonic() + SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(found)
            if cursor.fetchone()[0]:
                return
            # InnoDB updates this table only if it was not read in the last 0.1 seconds.
            time.sleep(0.15)
    raise AssertionError("Nobody waits for a row.")
