"""
Whether a session may still live: the decision of the check at every request.

The decision is pure. It reads from its arguments, only as far as it needs, and writes nothing. ``sessions`` asks
for it when a session is loaded, and ``middleware`` applies it after the view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..exemptions import Rule

NO_LONGER_EXEMPT = "no longer exempt"
NOT_ON_RECORD = "not the session on record"
META_UNREADABLE = "the profile's meta cannot be read"

# Stands for a record that cannot be read. It is no session key: it has a space.
UNREADABLE = "unreadable meta"


class Account(Protocol):
    """The account that a session is signed in to. Each method may cost a query."""

    def recorded_key(self) -> str | None:
        """Return the session key on record, None if there is none, or ``UNREADABLE``."""

    def exempting_rule(self) -> Rule | None:
        """Return the rule that exempts the account now, or None."""

    def is_exempted_by(self, rule: Rule) -> bool:
        """Tell whether ``rule`` exempts the account now."""


@dataclass(frozen=True)
class Decision:
    """
    What becomes of a session: it ends if there is a ``reason``, else it lives.

    A session that lives must note its ``claim`` or its ``rule``, if one is given, or take the account's free slot.
    """

    reason: str | None = None
    claim: str | None = None
    rule: Rule | None = None
    takes_free_slot: bool = False


LIVE = Decision()
TAKE_FREE_SLOT = Decision(takes_free_slot=True)


def decide(session_key: str | None, claim: str | None, rule: Rule | None, account: Account) -> Decision:
    """
    Decide whether a session may still live.

    ``claim`` is the key under which the session was recorded and ``rule`` the rule that let it in. A session has one of
    them, or neither if it is from before single login.
    """
    if rule and account.is_exempted_by(rule):
        return LIVE
    recorded = None if rule else account.recorded_key()
    if recorded and recorded == (claim or session_key):
        return LIVE if claim else Decision(claim=recorded)
    if current_rule := account.exempting_rule():
        return Decision(rule=current_rule)
    if rule:
        return Decision(reason=NO_LONGER_EXEMPT)
    if recorded == UNREADABLE:
        return Decision(reason=META_UNREADABLE)
    if claim or recorded:
        return Decision(reason=NOT_ON_RECORD)
    return TAKE_FREE_SLOT
