"""
Simultaneous logins on MariaDB, Redis and gunicorn: of each account only the session on record is accepted. No 5xx.

``make race`` does the same with more configurations.
"""

import pytest

from measure.populate import populate
from measure.race import ACCOUNTS, Race
from testing.visitor import PASSWORD

# Engine, ATOMIC_REQUESTS, workers and threads of gunicorn, and the level. At exempt only, a cache engine may bring back
# a session whose answer is not sent yet: case 2b.
CONFIGURATIONS = [
    ("db", True, (4, 1), "exempt_only"),
    ("db", False, (8, 1), "exempt_only"),
    ("cache", True, (4, 1), "every_request"),
    ("cached_db", False, (4, 1), "every_request"),
    ("db", True, (2, 4), "every_request"),
]
# At random, browsers also change the password, which ends no other session at exempt only.
CHECKED = [configuration for configuration in CONFIGURATIONS if configuration[-1] == "every_request"]
IDS = "{0[0]}-{0[1]}-{0[2]}-{0[3]}".format


@pytest.fixture(scope="module", params=CONFIGURATIONS, ids=IDS)
def race(lms, request):
    """A race at an LMS whose accounts have no profile yet."""
    engine, atomic_requests, (workers, threads), level = request.param
    check = {"SINGLE_LOGIN_CHECK_EVERY_REQUEST": level == "every_request"}
    lms.configure(engine=engine, atomic_requests=atomic_requests, **check)
    populate(lms, {account: [] for account in ACCOUNTS}, are_staff=True)
    with lms.serve(workers=workers, threads=threads) as url:
        yield Race(url, ACCOUNTS, PASSWORD, lms)


@pytest.mark.parametrize(("browsers", "rounds"), [(2, 2), (5, 2), (20, 2), (50, 1)])
def test_case_2_simultaneous_logins_leave_exactly_the_session_on_record(race, browsers, rounds):
    assert [race.play("log in", browsers) for _ in range(rounds)] == [set()] * rounds
    assert set(race.statuses) <= {200, 400}


@pytest.mark.parametrize(("kind", "browsers", "rounds"), [("sign in again", 2, 8), ("reload", 5, 4), ("swap", 2, 8)])
def test_case_2_again_reload_or_swap_leaves_the_session_on_record(race, kind, browsers, rounds):
    assert [race.play(kind, browsers) for _ in range(rounds)] == [set()] * rounds


@pytest.mark.parametrize("race", CHECKED, ids=IDS, indirect=True)
def test_browsers_at_random_leave_no_account_more_than_the_session_on_record(race):
    assert race.wander(seconds=3, seed="tests") == set()
