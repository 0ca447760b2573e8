"""
Whether a session is accepted: the decision of the check at every request.

The decision is pure. It reads from its arguments, only as far as it needs, and writes nothing. ``sessions`` asks
for it when a session is loaded, and ``middleware`` applies it after the view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..exemptions import Rule

SIGNED_IN_ELSEWHERE = "signed in elsewhere"
NO_LONGER_EXEMPT = "no longer exempt"
NOT_ON_RECORD = "not the session on record"
META_UNREADABLE = "the profile's meta cannot be read"
# Internal: the middleware turns REPLACED into another reason, and writes no line for SIGNED_OUT.
REPLACED = "replaced on record"
SIGNED_OUT = "signed out under another key"

# Stands for a record that cannot be read. It is no session key: it has a space.
UNREADABLE = "unreadable meta"


class Account(Protocol):
    """The account that a session is signed in to. Each method may cost a query."""

    def key_on_record(self) -> str | None:
        """Return the session key on record, None if there is none, or ``UNREADABLE``."""

    def exempting_rule(self) -> Rule | None:
        """Return the rule that exempts the account now, or None."""

    def is_exempted_by(self, rule: Rule) -> bool:
        """Tell whether ``rule`` exempts the account now."""


@dataclass(frozen=True)
class Decision:
    """
    What becomes of a session: if there is a ``reason``, it has ended. Otherwise it is accepted.

    An accepted session must note its ``claim`` or its ``rule``, if one is given, or take the account's free slot.
    """

    reason: str | None = None
    claim: str | None = None
    rule: Rule | None = None
    takes_free_slot: bool = False


ACCEPT = Decision()
TAKE_FREE_SLOT = Decision(takes_free_slot=True)


def decide(session_key: str | None, claim: str | None, rule: Rule | None, account: Account) -> Decision:
    """
    Decide whether a session is accepted.

    ``claim`` is the key under which the session was recorded and ``rule`` the rule that exempted its login. A session
    has one of them, or neither if it is from before.
    """
    if rule and account.is_exempted_by(rule):
        return ACCEPT
    recorded = None if rule else account.key_on_record()
    if recorded and recorded == (claim or session_key):
        return ACCEPT if claim else Decision(claim=recorded)
    if current_rule := account.exempting_rule():
        return Decision(rule=current_rule)
    if rule:
        return Decision(reason=NO_LONGER_EXEMPT)
    if recorded == UNREADABLE:
        return Decision(reason=META_UNREADABLE)
    if claim:
        return Decision(reason=_why_not_on_record(recorded, has_its_first_key=claim == session_key))
    return Decision(reason=NOT_ON_RECORD) if recorded else TAKE_FREE_SLOT


def _why_not_on_record(recorded: str | None, *, has_its_first_key: bool) -> str:
    """Return why a session with a claim is not on record."""
    if recorded and has_its_first_key:
        return REPLACED
    if not recorded and not has_its_first_key:
        return SIGNED_OUT
    return NOT_ON_RECORD
