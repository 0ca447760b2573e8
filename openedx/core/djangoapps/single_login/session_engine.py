"""
The session engine: the site's own, and the rule.

A session that somebody is signed in with loads only while it is its account's session on record, or the account is
exempt. Any other is deleted and loads empty, so that its visitor is anonymous (docs/decisions/0004). The platform
imports this module before there are models.
"""

from functools import lru_cache, partial
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ObjectDoesNotExist

from . import audit, session_slot
from .exemptions import Rule, exempting_rule, is_protection_on, still_exempts
from .platform_receiver import is_enforcing
from .session_slot import CLAIM, NO_LONGER_EXEMPT, RULE, SIGNED_IN_ELSEWHERE


def __getattr__(name: str) -> Any:
    # Looked up at each use: the site's own engine is a setting, which tests override.
    if name == "SessionStore":
        return _under_the_rule(session_slot.site_store())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class SingleLoginSession(SessionBase):
    """The rule, for a session engine to stand behind."""

    # From before the rule, and about to take the slot: as this request sees it, nothing is on record.
    is_about_to_take = False

    def load(self) -> dict[str, Any]:
        """Return the session's data, or nothing when it may not live; it costs nothing if nobody is signed in."""
        data = super().load()
        # Sessions are left alone where logins and logouts are not ours to enforce.
        if SESSION_KEY not in data or not is_protection_on() or not is_enforcing():
            return data
        user = _user_of(data)
        try:
            reason = self._find_reason_to_end(user, data)
        except (ObjectDoesNotExist, ValueError, AttributeError):
            # No such account, or a profile whose ``meta`` is no JSON object.
            reason = ""
        if reason is None:
            return data
        self._end(user, reason)
        return {}

    async def aload(self) -> dict[str, Any]:
        """Do the same for asynchronous views."""
        return await sync_to_async(self.load)()

    def _find_reason_to_end(self, user: User, data: dict[str, Any]) -> str | None:
        """Return why the session may not live, or None if it may; what it lives by is noted in ``data``."""
        if RULE in data:
            if still_exempts(Rule(*data[RULE]), user) or self._is_let_by(user, data):
                return None
            return NO_LONGER_EXEMPT
        recorded = session_slot.find_recorded_key(user)
        if recorded and recorded == data.get(CLAIM, self.session_key):
            self._note(data, CLAIM, recorded)
            return None
        if CLAIM not in data:
            # From before the rule.
            if self._is_let_by(user, data):
                return None
            if not recorded:
                self.is_about_to_take = True
                # Not in the request's own transaction, which may be rolled back, or wait for another account's row.
                session_slot.after_commit(partial(self._take_if_free, user, data, self.session_key))
                return None
        return SIGNED_IN_ELSEWHERE if recorded else ""

    def _is_let_by(self, user: User, data: dict[str, Any]) -> bool:
        if rule := exempting_rule(user):
            self._note(data, RULE, [rule.setting, rule.name])
        return rule is not None

    def _take_if_free(self, user: User, data: dict[str, Any], session_key: str | None) -> None:
        # Whoever signed out or in meanwhile needs nothing; a new key changes nothing. Outside of a transaction this is
        # still within ``load``, and there is no cache yet.
        if getattr(self, "_session_cache", data) is not data:
            return
        if claim := session_slot.take_if_free(user, data, session_slot.new_claim(self, session_key)):
            self._note(data, CLAIM, claim)

    def _note(self, data: dict[str, Any], key: str, value: Any) -> None:
        if data.get(key) != value:
            data[key] = value
            self.modified = True

    def _end(self, user: User, reason: str) -> None:
        session_key = str(self.session_key)
        session_slot.after_commit(type(self)(session_key).delete)
        if reason:
            audit.announce_eviction(user, session_key, reason)
        self._session_key = None


@lru_cache
def _under_the_rule(engine: type[SessionBase]) -> type[SessionBase]:
    # The name is part of the salt that sessions are signed with.
    names = {"__module__": __name__, "__qualname__": engine.__qualname__}
    return type(engine.__name__, (SingleLoginSession, engine), names)


def _user_of(data: dict[str, Any]) -> User:
    """Return the session's user, of whom nothing is read before it is asked for."""
    model = get_user_model()
    key = model._meta.pk
    return model.from_db(None, [key.attname], [key.to_python(data[SESSION_KEY])])
