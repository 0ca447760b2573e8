"""
The platform's own receiver, and the guard in front of it.

The platform connects ``enforce_single_login`` when its models are imported, which Django does for every app before the
first ``ready()``: so the order of the apps does not matter (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out

from .guard import Guard, is_guarded

DISPATCH_UID = "single_login"


def find_receiver() -> Callable[..., None] | None:
    """Return ``enforce_single_login`` of the platform's app ``student``, or None where there is no such thing."""
    try:
        models = apps.get_app_config("student").models_module
    except LookupError:
        return None
    return getattr(models, "enforce_single_login", None)


@cache
def guard_receiver() -> bool:
    """
    Put the guard in the receiver's place, once per process, and tell whether logins and logouts are guarded now.

    A receiver that asks the guard by itself, as in this repository's own LMS, is left as it is.
    """
    receiver = find_receiver()
    if receiver is None or is_guarded(receiver):
        return receiver is not None
    guard = Guard(receiver)
    found = [signal for signal in (user_logged_in, user_logged_out) if signal.disconnect(receiver)]
    for signal in found:
        signal.connect(guard, weak=False, dispatch_uid=DISPATCH_UID)
    return len(found) == 2
