"""A middleware with which a gunicorn worker dies in the middle of a login, as if the kernel had killed it."""

import os
import signal
import threading
from functools import partial

from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.db.models.signals import post_save, pre_save

from common.djangoapps.student.models import UserProfile

HEADER = "X-Die"
MOMENTS = RECORDING, COMMITTED, RECORDED, ANSWERING = "recording", "committed", "recorded", "answering"
MIDDLEWARE = f"{__name__}.DyingMiddleware"

_request = threading.local()


class DyingMiddleware:
    """
    Goes outside of everything else. The header X-Die says when to die.

    ``recording``: the earlier session is deleted, the record not written; ``committed``: right after its commit;
    ``recorded``: after every receiver, before the commit if requests are atomic; ``answering``: the session is saved.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        pre_save.connect(die_when_recording, sender=UserProfile)
        post_save.connect(die_when_committed, sender=UserProfile)
        # Connected after the receivers of every app, so that it comes after theirs.
        user_logged_in.connect(die_when_recorded)

    def __call__(self, request):
        _request.dies_when = request.headers.get(HEADER)
        response = self.get_response(request)
        _die_if(ANSWERING)
        return response


def die_when_recording(**kwargs):
    """Receive pre_save of the profile."""
    _die_if(RECORDING)


def die_when_committed(**kwargs):
    """Receive post_save of the profile: what is to be done after the commit is done after this."""
    transaction.on_commit(partial(_die_if, COMMITTED))


def die_when_recorded(**kwargs):
    """Receive user_logged_in, last of all."""
    _die_if(RECORDED)


def _die_if(moment):
    if getattr(_request, "dies_when", None) == moment:
        os.kill(os.getpid(), signal.SIGKILL)
