"""The truth table of the decision on a session."""

from dataclasses import dataclass

import ddt
from django.test import SimpleTestCase

from openedx.core.djangoapps.single_login.exemptions import GROUPS, USERNAMES, Rule
from openedx.core.djangoapps.single_login.one_session.decision import (
    ACCEPT,
    META_UNREADABLE,
    NO_LONGER_EXEMPT,
    NOT_ON_RECORD,
    REPLACED,
    SIGNED_OUT,
    TAKE_FREE_SLOT,
    UNREADABLE,
    Decision,
    decide,
)

KEY, CLAIM, OTHER = "the-key", "the-claim", "another-key"
BY_NAME, BY_GROUP = Rule(USERNAMES, "xqwatcher"), Rule(GROUPS, "xqueue")


@dataclass
class Account:
    """An account with this record, exempt by this rule now. ``read`` lists what was asked."""

    record: str | None
    rule: Rule | None

    def __post_init__(self):
        self.read = []

    def key_on_record(self):
        self.read.append("record")
        return self.record

    def exempting_rule(self):
        self.read.append("rule")
        return self.rule

    def is_exempted_by(self, rule):
        self.read.append("held rule")
        return rule == self.rule


@ddt.ddt
class DecideTest(SimpleTestCase):
    """The decision on a session, from its content, the record and the exemptions."""

    # claim, rule held, record, rule that exempts now, decision, what was read
    @ddt.data(
        # The session has a rule.
        (None, BY_NAME, None, BY_NAME, ACCEPT, ["held rule"]),
        (None, BY_NAME, OTHER, BY_NAME, ACCEPT, ["held rule"]),
        (None, BY_NAME, OTHER, BY_GROUP, Decision(rule=BY_GROUP), ["held rule", "rule"]),
        (None, BY_NAME, OTHER, None, Decision(reason=NO_LONGER_EXEMPT), ["held rule", "rule"]),
        (None, BY_NAME, None, None, Decision(reason=NO_LONGER_EXEMPT), ["held rule", "rule"]),
        (None, BY_NAME, KEY, None, Decision(reason=NO_LONGER_EXEMPT), ["held rule", "rule"]),
        # The session has a claim.
        (CLAIM, None, CLAIM, None, ACCEPT, ["record"]),
        (CLAIM, None, CLAIM, BY_NAME, ACCEPT, ["record"]),
        (CLAIM, None, KEY, None, Decision(reason=NOT_ON_RECORD), ["record", "rule"]),
        (CLAIM, None, OTHER, None, Decision(reason=NOT_ON_RECORD), ["record", "rule"]),
        (KEY, None, OTHER, None, Decision(reason=REPLACED), ["record", "rule"]),
        (KEY, None, None, None, Decision(reason=NOT_ON_RECORD), ["record", "rule"]),
        (KEY, None, UNREADABLE, None, Decision(reason=META_UNREADABLE), ["record", "rule"]),
        (CLAIM, None, OTHER, BY_NAME, Decision(rule=BY_NAME), ["record", "rule"]),
        (CLAIM, None, None, None, Decision(reason=SIGNED_OUT), ["record", "rule"]),
        (CLAIM, None, None, BY_NAME, Decision(rule=BY_NAME), ["record", "rule"]),
        (CLAIM, None, UNREADABLE, None, Decision(reason=META_UNREADABLE), ["record", "rule"]),
        (CLAIM, None, UNREADABLE, BY_NAME, Decision(rule=BY_NAME), ["record", "rule"]),
        # The session is from before.
        (None, None, KEY, None, Decision(claim=KEY), ["record"]),
        (None, None, KEY, BY_NAME, Decision(claim=KEY), ["record"]),
        (None, None, OTHER, None, Decision(reason=NOT_ON_RECORD), ["record", "rule"]),
        (None, None, OTHER, BY_NAME, Decision(rule=BY_NAME), ["record", "rule"]),
        (None, None, None, None, TAKE_FREE_SLOT, ["record", "rule"]),
        (None, None, None, BY_NAME, Decision(rule=BY_NAME), ["record", "rule"]),
        (None, None, UNREADABLE, None, Decision(reason=META_UNREADABLE), ["record", "rule"]),
        (None, None, UNREADABLE, BY_NAME, Decision(rule=BY_NAME), ["record", "rule"]),
    )
    @ddt.unpack
    def test_decision(self, claim, rule, record, exempting_rule, expected, read):
        account = Account(record, exempting_rule)
        assert decide(KEY, claim, rule, account) == expected
        assert account.read == read
