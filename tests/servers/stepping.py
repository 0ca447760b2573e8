"""Requests that stop at given places, so that a test can interleave two of them step by step."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.contrib.sessions.backends.cache import KEY_PREFIX
from django.core.cache.backends.redis import RedisCache
from django.db import connections

# Less than MariaDB's innodb_lock_wait_timeout, 50, so that a request that waits for a locked row fails its test.
SECONDS = 30


class Step:
    """A place at which one thread stops once, until the test lets it go on."""

    def __init__(self):
        self.reached, self.released = threading.Event(), threading.Event()

    def stop_here(self):
        """Stop, if this is the thread of the step."""
        if not self.reached.is_set():
            self.reached.set()
            assert self.released.wait(SECONDS)


class _Steps(threading.local):
    before_save = within_save = within_load = before_login = before_commit = before_insert = before_delete = None
    is_saving = False


steps = _Steps()


class SteppingRedisCache(RedisCache):
    """Redis with two stops: within the save of a session, and before its deletion."""

    def set(self, key, *args, **kwargs):
        if steps.within_save and steps.is_saving:
            steps.within_save.stop_here()
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
        if steps.before_save:
            steps.before_save.stop_here()
        steps.is_saving = True
        return response


def stop_before_commit(**kwargs):
    """The last receiver of user_logged_in. With ATOMIC_REQUESTS the record is written and not committed."""
    if steps.before_commit:
        steps.before_commit.stop_here()


def stop_before_login(update_fields, **kwargs):
    """A receiver of pre_save: the password was right, and the login is not noted in the account's row yet."""
    if steps.before_login and update_fields == frozenset(["last_login"]):
        steps.before_login.stop_here()


def stop_before_insert(instance, **kwargs):
    """A receiver of pre_save: there is no profile yet, and one will be created."""
    if steps.before_insert and instance.pk is None:
        steps.before_insert.stop_here()


def stop_before_delete(**kwargs):
    """A receiver of pre_delete: before a session is deleted from the database."""
    if steps.before_delete:
        steps.before_delete.stop_here()


def stop_within_load(**kwargs):
    """A receiver of post_init: a session was read from the database and is not in the cache yet."""
    if steps.within_load:
        steps.within_load.stop_here()


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
