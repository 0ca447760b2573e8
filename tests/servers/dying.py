"""A middleware with which a gunicorn worker dies in the middle of a login, as if the kernel had killed it."""

import os
import signal
import threading
from functools import partial

from django.contrib.auth.signals import user_logged_in
from django.db import connection, transaction

HEADER = "X-Die"
MOMENTS = RECORDING, COMMITTED, RECORDED, ANSWERING = "recording", "committed", "recorded", "answering"
MIDDLEWARE = f"{__name__}.DyingMiddleware"

_request = threading.local()


class DyingMiddleware:
    """
    Goes outside of everything else. The header X-Die says when to die.

    ``recording``: the record is about to be written; ``committed``: right after its commit, before the earlier session
    is deleted; ``recorded``: after every receiver, before the commit if requests are atomic; ``answering``: the session
    is saved.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        # Connected after the receivers of every app, so that it comes after theirs.
        user_logged_in.connect(die_when_recorded)

    def __call__(self, request):
        _request.dies_when = request.headers.get(HEADER)
        with connection.execute_wrapper(die_around_the_record):
            response = self.get_response(request)
        _die_if(ANSWERING)
        return response


def die_around_the_record(execute, sql, *arguments):
    """Die before the profile is written, or when what is written is committed."""
    is_record = sql.startswith("UPDATE") and "auth_userprofile" in sql
    if is_record:
        _die_if(RECORDING)
    result = execute(sql, *arguments)
    if is_record:
        transaction.on_commit(partial(_die_if, COMMITTED))
    return result


def die_when_recorded(**kwargs):
    """Receive user_logged_in, last of all."""
    _die_if(RECORDED)


def _die_if(moment):
    if getattr(_request, "dies_when", None) == moment:
        os.kill(os.getpid(), signal.SIGKILL)
