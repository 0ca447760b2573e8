"""
Replacing the platform's own receiver, ``enforce_single_login``, by ours.

The platform connects its receiver while its models are imported. Django imports the models of every app before it calls
the first ``ready()``, so the order of the apps does not matter (docs/decisions/0003).
"""

from ..guard import HAS_GUARD, SIGNALS, student_models
from .enforcement import enforce_single_login


def replace_platform_receiver() -> None:
    """
    Disconnect the receiver of the platform's app ``student`` from both signals and connect ours instead.

    Leaves a receiver alone that asks for the exemptions itself, as the one of the LMS of this repository does, and a
    signal to which the platform's receiver is not connected.
    """
    platform_receiver = getattr(student_models(), "enforce_single_login", None)
    if hasattr(platform_receiver, HAS_GUARD):
        return
    for signal in SIGNALS.values():
        if signal.disconnect(platform_receiver):
            signal.connect(enforce_single_login)
