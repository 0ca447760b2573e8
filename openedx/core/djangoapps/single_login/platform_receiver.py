"""
Replacing the platform's own receiver, ``enforce_single_login``, by ours.

The platform connects its receiver while its models are imported. Django imports the models of every app before it calls
the first ``ready()``, so the order of the apps does not matter (docs/decisions/0003).
"""

from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out

from .enforcement import enforce_single_login

_is_enforcing = False


def replace_platform_receiver() -> None:
    """
    Disconnect the receiver of the platform's app ``student`` from both signals and connect ours instead.

    Leaves a receiver alone that checks the exemptions itself, as the one of the LMS in this repository does: its app
    configuration says so with ``has_exemption_guard = True``.
    """
    global _is_enforcing
    student = apps.app_configs.get("student")
    if getattr(student, "has_exemption_guard", False):
        _is_enforcing = True
        return
    platform_receiver = getattr(student and student.models_module, "enforce_single_login", None)
    replaced = []
    for signal in (user_logged_in, user_logged_out):
        # Ours is found instead of the platform's at a second call.
        if signal.disconnect(platform_receiver) or signal.disconnect(enforce_single_login):
            signal.connect(enforce_single_login)
            replaced.append(signal)
    _is_enforcing = len(replaced) == 2


def is_enforcing() -> bool:
    """Tell whether every login and logout reaches a receiver that checks the exemptions."""
    return _is_enforcing
