"""The signal that the app sends, and the session that Django's login signals are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import SESSION_KEY
from django.dispatch import Signal

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest

# Sent when a session was ended by a later login or by the check at every request. Receivers get ``user``,
# ``session_key``, which must never be logged, and ``reason``, as in the audit line. Errors of receivers are logged.
session_evicted = Signal()


def session_of(request: HttpRequest | None, user: User | None) -> SessionBase | None:
    """
    Return the session of ``request`` if ``user`` is signed in with it, else None.

    The platform also sends the login signal for requests with a token, which have no such session.
    """
    session: SessionBase | None = getattr(request, "session", None)
    if user is None or session is None or session.get(SESSION_KEY) != str(user.pk):
        return None
    return session
