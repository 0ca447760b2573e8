"""
The guard before the platform's ``UserProfile.set_login_session``.

The platform's receiver ``enforce_single_login`` calls this method at each login and logout. For an exempt account the
guard returns at once. For every other account it calls the platform's own method (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from typing import Any
from weakref import ReferenceType

from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import Signal

from .exemptions import exempting_rule, is_any_name_set

LOGIN, LOGOUT = "user_logged_in", "user_logged_out"
SIGNALS = {LOGIN: user_logged_in, LOGOUT: user_logged_out}
# The attribute that marks a method or receiver with the guard inside.
HAS_GUARD = "has_exemption_guard"


def guard_platform() -> None:
    """
    Put the guard before ``UserProfile.set_login_session`` of the app ``student``. A second call changes nothing.

    Without that app or method, nothing changes. A receiver with the guard inside needs no other.
    """
    models = student_models()
    profile_model = getattr(models, "UserProfile", None)
    platforms_own = getattr(profile_model, "set_login_session", None)
    receiver = getattr(models, "enforce_single_login", None)
    if platforms_own is None or hasattr(platforms_own, HAS_GUARD) or hasattr(receiver, HAS_GUARD):
        return

    @wraps(platforms_own)
    def set_login_session(self: Any, *args: Any, **kwargs: Any) -> Any:
        if is_any_name_set() and exempting_rule(self.user):
            return None
        return platforms_own(self, *args, **kwargs)

    setattr(set_login_session, HAS_GUARD, True)
    profile_model.set_login_session = set_login_session  # type: ignore[union-attr]


def find_guarded_signals() -> list[str]:
    """Return the names of the signals whose receivers reach a guard. On the platform as we know it, both."""
    return [name for name, signal in SIGNALS.items() if any(map(_has_guard, _receivers(signal)))]


def is_guard_in_place() -> bool:
    """Tell whether every login and every logout reaches a guard."""
    return len(find_guarded_signals()) == len(SIGNALS)


def _has_guard(receiver: Any) -> bool:
    models = student_models()
    method = getattr(getattr(models, "UserProfile", None), "set_login_session", None)
    is_platforms_own = receiver is getattr(models, "enforce_single_login", None)
    return hasattr(receiver, HAS_GUARD) or (is_platforms_own and hasattr(method, HAS_GUARD))


def student_models() -> Any:
    """Return the models module of the platform's app ``student``, or None without that app."""
    student = apps.app_configs.get("student")
    return student and student.models_module


def _receivers(signal: Signal) -> Iterator[Any]:
    """Yield the receivers of ``signal``. Only read them: to disconnect and connect one would change their order."""
    for _, reference, *_ in signal.receivers:
        receiver = reference() if isinstance(reference, ReferenceType) else reference
        if receiver is not None:
            yield receiver
