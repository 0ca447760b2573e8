"""The receiver for a released platform. The LMS of this repository has its own, with the same four steps."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import Signal

from . import session_slot
from .exemptions import exempting_rule, is_protection_on


def enforce_single_login(sender: object, request: Any, user: Any, signal: Signal, **kwargs: object) -> None:
    """
    Keep one session per account: a login evicts the account's earlier session, a logout clears its own record.

    Returns early for an exempt account, before any session is ended or any record is read. An exempt login is audited.

    Raises:
        ValueError: the ``meta`` of the profile cannot be read at a login.
    """
    session = session_slot.session_of(request, user)
    if session is None or not is_protection_on():
        return
    if signal is user_logged_out:
        session_slot.clear_login(user, session)
        return
    if rule := exempting_rule(user):
        session_slot.admit_exempt(user, session, rule)
        return
    session_slot.record_login(user, request)
