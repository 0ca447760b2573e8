"""Case 19: accounts are exempt, and somebody else logs in and out. Compared with the same site without the wheel."""

from functools import cache

import ddt
from django.test import SimpleTestCase
from journeys import take_journeys

ON = {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}}
BY_NAME = {**ON, "SINGLE_LOGIN_EXEMPT_USERNAMES": ["worker"]}
BY_GROUP = {**ON, "SINGLE_LOGIN_EXEMPT_GROUPS": ["graders"]}
SITES = {"by_name": BY_NAME, "by_group": BY_GROUP, "by_both": {**BY_NAME, **BY_GROUP}}
RECEIVER = "common.djangoapps.student.models.user.enforce_single_login"
METHOD = "common.djangoapps.student.models.user.UserProfile.set_login_session"


@cache
def journeys():
    """Return the records of each site, with the wheel and without."""
    return take_journeys({name: ("lms.envs.flags", settings) for name, settings in SITES.items()})


def visits(site, *, of_worker):
    """Return pairs of visits, with the wheel and without: of the exempt worker's browsers, or of all others'."""
    pairs = zip(*(record["visits"] for record in journeys()[site]), strict=True)
    return [pair for pair in pairs if (pair[0]["visit"][0] in "de") is of_worker]


def is_of_groups(statement):
    """Tell whether ``statement`` reads the groups."""
    return '"auth_group"' in statement[0]


@ddt.ddt
class OthersTest(SimpleTestCase):
    """The account worker is exempt. Nobody else is."""

    maxDiff = None

    def test_case_19_exempt_by_name_changes_nothing_for_others(self):
        for ours, theirs in visits("by_name", of_worker=False):
            self.assertEqual(ours, theirs)

    @ddt.data("by_group", "by_both")
    def test_case_19_exempt_by_group_costs_others_one_statement_at_most(self, site):
        for ours, theirs in visits(site, of_worker=False):
            of_groups = [statement for statement in ours["statements"] if is_of_groups(statement)]
            signs_in_or_out = any(name == METHOD for name, _ in theirs["calls"])
            assert len(of_groups) == signs_in_or_out
            ours["statements"] = [statement for statement in ours["statements"] if statement not in of_groups]
            self.assertEqual(ours, theirs)

    @ddt.data(*SITES)
    def test_case_19_receivers_and_the_method_are_called_as_without_the_app(self, site):
        pairs = visits(site, of_worker=False)
        self.assertEqual([ours["calls"] for ours, _ in pairs], [theirs["calls"] for _, theirs in pairs])
        called = [name for ours, _ in pairs for name, _ in ours["calls"]]
        assert called.count(RECEIVER) == called.count(METHOD) > 0

    @ddt.data(*SITES)
    def test_case_19_all_other_receivers_keep_their_order(self, site):
        with_wheel, without_wheel = (record["receivers"] for record in journeys()[site])
        for signal, theirs in without_wheel.items():
            assert with_wheel[signal][: len(theirs)] == theirs

    @ddt.data(*SITES)
    def test_case_5_the_platforms_method_is_not_called_for_an_exempt_account(self, site):
        for ours, theirs in visits(site, of_worker=True):
            assert METHOD not in [name for name, _ in ours["calls"]]
            assert ours["visit"][1] != "login" or METHOD in [name for name, _ in theirs["calls"]]

    @ddt.data(("by_name", 0), ("by_both", 0), ("by_group", 1))
    @ddt.unpack
    def test_case_5_an_exempt_login_costs_no_more_than_one_query_of_groups(self, site, expected):
        for ours, _ in visits(site, of_worker=True):
            of_groups = [statement for statement in ours["statements"] if is_of_groups(statement)]
            assert len(of_groups) == (expected if ours["visit"][1] in ("login", "logout") else 0)

    @ddt.data(*SITES)
    def test_case_5_an_exempt_login_sends_fewer_statements_than_without_the_wheel(self, site):
        first, second = (pair for pair in visits(site, of_worker=True) if pair[0]["visit"][1] == "login")
        saved = [len(theirs["statements"]) - len(ours["statements"]) for ours, theirs in (first, second)]
        # The record is neither read nor written, and the second login ends no session. The groups cost one statement.
        assert saved == ([0, 2] if site == "by_group" else [1, 3])

    @ddt.data(*SITES)
    def test_case_5_an_exempt_session_holds_what_any_session_holds(self, site):
        (_, first), (_, second) = visits(site, of_worker=True)[1][0]["sessions"]
        assert first.keys() == second.keys() == {"_auth_user_id", "_auth_user_backend", "_auth_user_hash"}
