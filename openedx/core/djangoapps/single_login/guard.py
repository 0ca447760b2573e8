"""The guard: what ``enforce_single_login`` asks before any session is touched, or what is put in front of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, TypeVar

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.dispatch import Signal

from . import audit, session_slot
from .exemptions import find_rule, is_protection_on

Receiver = TypeVar("Receiver", bound=Callable[..., None])


def has_nothing_to_enforce(request: Any, user: Any) -> bool:
    """
    Tell whether the protection is off, nobody is signed in, or there is no session that ``user`` is signed in with.

    The platform sends the login signal for requests with a token, too: their session is nobody's.
    """
    if not is_protection_on() or not getattr(user, "is_authenticated", False):
        return True
    session = getattr(request, "session", None)
    return session is None or session.get(SESSION_KEY) != str(user.pk)


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


def asks_the_guard(receiver: Receiver) -> Receiver:
    """Mark ``receiver`` as one that asks this module by itself, and needs no ``Guard`` in front of it."""
    receiver.asks_the_guard = True  # type: ignore[attr-defined]
    return receiver


def is_guarded(receiver: Callable[..., None]) -> bool:
    """Tell whether ``receiver`` is a guard, or asks it by itself."""
    return isinstance(receiver, Guard) or getattr(receiver, "asks_the_guard", False)


class Guard:
    """
    A receiver of the login and logout signals, in front of a platform's own receiver ``enforce``.

    It keeps ``enforce`` from exempt accounts, and from a logout that does not own the account's slot. Otherwise
    ``enforce`` runs, and records or clears the key of the one session, while the profile's row is held.
    """

    def __init__(self, enforce: Callable[..., None]) -> None:
        self._enforce = enforce
        update_wrapper(self, enforce)

    def __call__(self, sender: Any, request: Any, user: Any, signal: Signal, **kwargs: Any) -> None:
        """Receive ``signal``."""
        if has_nothing_to_enforce(request, user) or lets_pass(user, signal):
            return
        enforce = partial(self._enforce, sender=sender, request=request, user=user, signal=signal, **kwargs)
        if signal is user_logged_in:
            session_slot.take(user, request.session, enforce)
        else:
            session_slot.leave(user, request.session, enforce)
