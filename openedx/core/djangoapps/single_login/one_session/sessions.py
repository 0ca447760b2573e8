"""The check at every request, as a mixin for session stores. ``engine`` puts it over the site's own store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ObjectDoesNotExist

from .. import exemptions
from ..exemptions import Rule, is_protection_on
from ..guard import is_guard_in_place
from . import slot
from .decision import UNREADABLE, Decision, decide
from .slot import CLAIM, RULE

if TYPE_CHECKING:
    # The platform imports this module before its models are loaded.
    from django.contrib.auth.models import User


@dataclass(frozen=True)
class LoadedSession:
    """A session as it was loaded, and the decision on it."""

    decision: Decision
    session_key: str | None
    data: dict[str, Any]


class CheckedSession(SessionBase):
    """
    A session that loads empty unless it is accepted. Its store is the next class in the order of inheritance.

    Loading writes nothing to the store or the database. ``loaded`` tells ``SessionCheckMiddleware`` what is left to do.
    """

    loaded: LoadedSession | None = None

    def load(self) -> dict[str, Any]:
        """Return the content of the session, or {} if it is not accepted. Costs nothing if nobody is signed in."""
        data = super().load()
        if SESSION_KEY not in data or not is_protection_on() or not is_guard_in_place():
            return data
        rule = Rule(*data[RULE]) if RULE in data else None
        decision = decide(self.session_key, data.get(CLAIM), rule, _Account(data[SESSION_KEY]))
        self.loaded = LoadedSession(decision, self.session_key, data)
        if decision.reason:
            self._session_key = None
            return {}
        if decision.claim:
            data[CLAIM] = decision.claim
            self.modified = True
        if decision.rule:
            data.pop(CLAIM, None)
            data[RULE] = [decision.rule.setting, decision.rule.name]
            self.modified = True
        return data

    async def aload(self) -> dict[str, Any]:
        """Do the same for asynchronous views."""
        return await sync_to_async(self.load)()


class _Account:
    """The account of a session. Nothing is read from the database before it is needed."""

    def __init__(self, user_id: str) -> None:
        key = get_user_model()._meta.pk
        self._user: User = get_user_model().from_db(None, [key.attname], [key.to_python(user_id)])

    def key_on_record(self) -> str | None:
        try:
            return slot.find_key_on_record(self._user)
        except ValueError:
            return UNREADABLE

    def exempting_rule(self) -> Rule | None:
        try:
            return exemptions.exempting_rule(self._user)
        except ObjectDoesNotExist:
            # The account was deleted.
            return None

    def is_exempted_by(self, rule: Rule) -> bool:
        return exemptions.still_exempts(rule, self._user)
