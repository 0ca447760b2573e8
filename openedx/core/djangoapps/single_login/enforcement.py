"""What happens to sessions when somebody signs in or out."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.dispatch import Signal

from . import audit, session_slot
from .exemptions import find_rule, is_protection_on


def enforce_single_login(sender: Any, request: Any, user: Any, signal: Signal, **kwargs: Any) -> None:
    """
    Keep one session per account: a login ends the account's earlier session, a logout gives up its own.

    Accounts that the settings exempt return early, before any record or session is touched. An exempt login is audited,
    and creates the profile if it is missing, as any login under the protection does.
    """
    if not is_protection_on() or not _is_signed_in(request, user):
        return
    if signal is not user_logged_in:
        # Exempt or not: a session that took the slot before its account was exempt gives it up, too.
        session_slot.leave(user, request.session)
        return
    rule = find_rule(user)
    if rule is not None:
        session_slot.pass_by(user, request.session, rule)
        audit.log_exempted_login(user, rule)
        return
    session_slot.take(user, request.session)


def _is_signed_in(request: Any, user: Any) -> bool:
    """Tell whether ``request`` has a session of ``user``: the platform signals logins by token, too."""
    session = getattr(request, "session", None)
    return user is not None and session is not None and session.get(SESSION_KEY) == str(user.pk)
