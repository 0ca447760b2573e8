"""Apply the decisions of the check at every request."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth import SESSION_KEY, get_user_model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from .. import audit
from ..transactions import after_commit
from . import slot
from .decision import NOT_ON_RECORD, REPLACED, SIGNED_IN_ELSEWHERE, SIGNED_OUT
from .sessions import CheckedSession, LoadedSession
from .site_store import delete_session, site_store
from .slot import CLAIM, RULE

# If the account's last login is younger than this, that login replaced the record.
JUST_SIGNED_IN = timedelta(minutes=1)


class SessionCheckMiddleware(MiddlewareMixin):
    """
    Deletes a session that has ended, or records one that takes its account's free slot.

    Stands directly inside the session middleware. It does its work after the view, outside the transaction of the
    request, which may be rolled back or hold locks.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Apply the decision with which the session of ``request`` was loaded."""
        session = getattr(request, "session", None)
        if isinstance(session, CheckedSession) and (loaded := session.loaded):
            if loaded.decision.reason:
                after_commit(partial(_end, loaded, loaded.decision.reason))
            elif loaded.decision.takes_free_slot:
                after_commit(partial(_take_free_slot, loaded, session))
        return response


def _end(loaded: LoadedSession, reason: str) -> None:
    # Another request, a login or a logout may have deleted it. This also keeps replayed cookies out of the log.
    if not loaded.session_key or not delete_session(loaded.session_key) or reason == SIGNED_OUT:
        return
    user = get_user_model()._default_manager.filter(pk=loaded.data[SESSION_KEY]).first()
    if user is not None and slot.can_still_sign_in(user, loaded.data):
        audit.announce_eviction(user, loaded.session_key, _announced(reason, user.last_login))


def _announced(reason: str, last_login: datetime | None) -> str:
    """Return the reason for the audit line. A login commits before it evicts, and the check may come in between."""
    if reason != REPLACED:
        return reason
    is_login_under_way = last_login is not None and timezone.now() - last_login < JUST_SIGNED_IN
    return SIGNED_IN_ELSEWHERE if is_login_under_way else NOT_ON_RECORD


def _take_free_slot(loaded: LoadedSession, session: CheckedSession) -> None:
    # The view may have signed out, or in again. Another tab may have signed out, and deleted the session.
    is_unchanged = session.get(SESSION_KEY) == loaded.data[SESSION_KEY] and CLAIM not in session and RULE not in session
    store = site_store()
    # A view that changed the key and another tab agree on the key that both loaded.
    claim = slot.new_claim(store(loaded.session_key))
    if is_unchanged and store(session.session_key).load() and slot.take_free_slot(loaded.data, claim):
        session[CLAIM] = claim
