"""What happens to sessions when somebody signs in or out."""

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import Signal
from django.http import HttpRequest

from . import audit, session_slot
from .exemptions import exempting_rule, is_protection_on


def enforce_single_login(
    sender: object, request: HttpRequest | None, user: User | None, signal: Signal, **kwargs: object
) -> None:
    """
    Keep one session per account: a login ends the account's earlier session, a logout gives up its own.

    Accounts that the settings exempt return early, before any record or session is touched. An exempt login is audited,
    and creates the profile if it is missing, as any login under the protection does.
    """
    if user is None or not is_protection_on() or (session := _find_session(request, user)) is None:
        return
    if signal is not user_logged_in:
        # Exempt or not: a session that took the slot before its account was exempt gives it up, too.
        session_slot.leave(user, session)
        return
    if rule := exempting_rule(user):
        session_slot.pass_by(user, session, rule)
        audit.log_exempted_login(user, rule)
        return
    session_slot.take(user, session)


def _find_session(request: HttpRequest | None, user: User) -> SessionBase | None:
    """Return the session of ``request`` if it is ``user``'s, else None: the platform signals logins by token, too."""
    session: SessionBase | None = getattr(request, "session", None)
    return session if session is not None and session.get(SESSION_KEY) == str(user.pk) else None
