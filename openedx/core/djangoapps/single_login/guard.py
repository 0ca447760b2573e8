"""The guard in front of ``enforce_single_login``: what it asks before any session is touched."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import Signal

from . import audit, session_slot
from .exemptions import find_rule, is_protection_on


def has_nothing_to_enforce(request: Any, user: Any) -> bool:
    """Tell whether the protection is off, nobody is signed in, or there is no session to speak of."""
    return (
        not is_protection_on()
        or not getattr(user, "is_authenticated", False)
        or getattr(request, "session", None) is None
    )


def lets_pass(user: Any, signal: Signal) -> bool:
    """
    Tell whether ``user`` is exempt, in which case no session and no record is to be touched.

    An exempted login is audited, and creates the profile if it is missing, as any login under the protection does.
    """
    rule = find_rule(user)
    if rule is None:
        return False
    if signal is user_logged_in:
        session_slot.ensure_profile(user)
        audit.log_exempted_login(user, rule)
    return True
