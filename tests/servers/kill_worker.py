"""A middleware that kills its gunicorn worker during a login, as the kernel may."""

import os
import signal
import threading
from functools import partial

from django.contrib.auth.signals import user_logged_in
from django.db import connection, transaction

HEADER = "X-Die"
MOMENTS = RECORDING, COMMITTED, RECORDED, ANSWERING = "recording", "committed", "recorded", "answering"
MIDDLEWARE = f"{__name__}.KillWorkerMiddleware"

_request = threading.local()


class KillWorkerMiddleware:
    """
    The outermost middleware. The header X-Die says when to die.

    ========== ======================================================================
    recording  before the record is written
    committed  after the commit of the record, before the earlier session is deleted
    recorded   after the last receiver (with atomic requests, before the commit)
    answering  after the session is saved
    ========== ======================================================================
    """

    def __init__(self, get_response):
        self.get_response = get_response
        # Connected after the receivers of all apps, so it runs last.
        user_logged_in.connect(die_when_recorded)

    def __call__(self, request):
        _request.dies_when = request.headers.get(HEADER)
        with connection.execute_wrapper(die_around_the_record):
            response = self.get_response(request)
        _die_if(ANSWERING)
        return response


def die_around_the_record(execute, sql, *arguments):
    """Die before the profile is written, or after the commit."""
    is_record = sql.startswith("UPDATE") and "auth_userprofile" in sql
    if is_record:
        _die_if(RECORDING)
    result = execute(sql, *arguments)
    if is_record:
        transaction.on_commit(partial(_die_if, COMMITTED))
    return result


def die_when_recorded(**kwargs):
    """The last receiver of user_logged_in."""
    _die_if(RECORDED)


def _die_if(moment):
    if getattr(_request, "dies_when", None) == moment:
        os.kill(os.getpid(), signal.SIGKILL)
