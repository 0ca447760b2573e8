"""A middleware with which a gunicorn worker dies in the middle of a login, as if the kernel had killed it."""

import os
import signal
import threading

from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_save

from common.djangoapps.student.models import UserProfile

HEADER = "X-Die"
RECORDING, RECORDED, ANSWERING = "recording", "recorded", "answering"
MIDDLEWARE = f"{__name__}.DyingMiddleware"

_request = threading.local()


class DyingMiddleware:
    """
    Goes outside of everything else. The header X-Die says when to die.

    ``recording``: the earlier session is deleted, the record not written; ``recorded``: it is written, and committed if
    requests are not atomic; ``answering``: it is committed, and the session saved.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        pre_save.connect(die_when_recording, sender=UserProfile)
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


def die_when_recorded(**kwargs):
    """Receive user_logged_in, last of all."""
    _die_if(RECORDED)


def _die_if(moment):
    if getattr(_request, "dies_when", None) == moment:
        os.kill(os.getpid(), signal.SIGKILL)
