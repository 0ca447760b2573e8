"""
The platform's own receiver, and ours in its place.

The platform connects ``enforce_single_login`` when its models are imported, which Django does for every app before the
first ``ready()``: so the order of the apps does not matter (docs/decisions/0003).
"""

from functools import cache

from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out

from .enforcement import enforce_single_login


@cache
def take_its_place() -> bool:
    """
    Take the receiver of the platform's app ``student`` out of both signals and connect ours, once.

    Return whether ours is there now. In the LMS of this repository ours is the platform's.
    """
    try:
        models = apps.get_app_config("student").models_module
    except LookupError:
        return False
    receiver = getattr(models, "enforce_single_login", None)
    if receiver is enforce_single_login:
        return True
    found = [signal for signal in (user_logged_in, user_logged_out) if signal.disconnect(receiver)]
    for signal in found:
        signal.connect(enforce_single_login)
    return len(found) == 2
