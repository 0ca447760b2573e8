"""Apply the decisions of the check at every request."""

from __future__ import annotations

import logging
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

LOG = logging.getLogger(__name__)
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
    return SIGNED_IN_ELSEWHERE if is_login_recent and _is_record_alive(user) else NOT_ON_RECORD


def _is_record_alive(user: User) -> bool:
    """Tell whether the session on record exists. That of an old record, which a late save brought back, has ended."""
    try:
        key = slot.find_key_on_record(user)
        return isinstance(key, str) and site_store()().exists(key)
    except Exception:
        # The session is deleted already: its audit line and its notice must not be lost.
        LOG.exception("Whether the session on record of user.id %s exists could not be read", user.pk)
        return False


def _take_free_slot(loaded: LoadedSession, session: CheckedSession) -> None:
    # The view may have signed out, or in again. Another tab may have signed out, and deleted the session.
    is_unchanged = session.get(SESSION_KEY) == loaded.data[SESSION_KEY] and CLAIM not in session and RULE not in session
    store_class = site_store()
    # The key that was loaded, not the one of now: two tabs then make the same claim, even if a view changed the key.
    claim = slot.new_claim(store_class(loaded.session_key))
    if is_unchanged and store_class(session.session_key).load() and slot.take_free_slot(loaded.data, claim):
        session[CLAIM] = claim
