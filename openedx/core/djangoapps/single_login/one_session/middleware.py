"""Apply the decisions of the check at every request."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.contrib.auth import SESSION_KEY
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

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# A login younger than this may still be evicting the session that it replaced on record.
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
                after_commit(partial(_delete_and_announce, loaded, loaded.decision.reason))
            elif loaded.decision.takes_free_slot:
                after_commit(partial(_take_free_slot, loaded, session))
        return response


def _delete_and_announce(loaded: LoadedSession, reason: str) -> None:
    # Another request, a login or a logout may have deleted it. This also keeps replayed cookies out of the log.
    if not loaded.session_key or not delete_session(loaded.session_key) or reason == SIGNED_OUT:
        return
    if user := slot.find_user(loaded.data):
        audit.announce_eviction(user, loaded.session_key, _choose_reason(reason, user))


def _choose_reason(reason: str, user: User) -> str:
    """Return the reason for the audit line. A login commits before it evicts, and the check may come in between."""
    if reason != REPLACED:
        return reason
    is_login_recent = user.last_login is not None and timezone.now() - user.last_login < JUST_SIGNED_IN
    # A record can also be replaced by an old one. The session that it names has ended.
    key_on_record = slot.find_key_on_record(user) if is_login_recent else None
    return SIGNED_IN_ELSEWHERE if key_on_record and site_store()().exists(key_on_record) else NOT_ON_RECORD


def _take_free_slot(loaded: LoadedSession, session: CheckedSession) -> None:
    # The view may have signed out, or in again. Another tab may have signed out, and deleted the session.
    is_unchanged = session.get(SESSION_KEY) == loaded.data[SESSION_KEY] and CLAIM not in session and RULE not in session
    store_class = site_store()
    # A view that changed the key and another tab agree on the key that both loaded.
    claim = slot.new_claim(store_class(loaded.session_key))
    if is_unchanged and store_class(session.session_key).load() and slot.take_free_slot(loaded.data, claim):
        session[CLAIM] = claim
