"""The receiver for a released platform. The LMS of this repository has its own, with the same four steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.signals import user_logged_out
from django.dispatch import Signal

from ..exemptions import exempting_rule, is_protection_on
from ..signals import session_of
from . import slot

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest


def enforce_single_login(
    sender: object, request: HttpRequest | None, user: User | None, signal: Signal, **kwargs: object
) -> None:
    """
    Keep one session per account: a login evicts the account's earlier session, a logout clears its own record.

    A login of an exempt account returns early, before a session is evicted or recorded.

    Raises:
        ValueError: the ``meta`` of the profile cannot be read at a login.
    """
    session = session_of(request, user)
    if request is None or user is None or session is None or not is_protection_on():
        return
    if signal is user_logged_out:
        slot.clear_own_record(user, session)
        return
    profile = slot.find_or_create_profile(user)
    if rule := exempting_rule(user):
        slot.note_rule(session, rule)
        return
    with slot.prepare_session(user, profile, request) as session_key:
        if session_key:
            slot.replace_record(profile, session_key)


# The app replaces no receiver that has this attribute (see ``guard``).
enforce_single_login.has_exemption_guard = True  # type: ignore[attr-defined]
