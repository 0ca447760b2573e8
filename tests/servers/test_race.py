"""
Logins that meet, on MariaDB, Redis and gunicorn: exactly one session per account lives, the recorded one; no 5xx.

A sample of what "make race" plays at length.
"""

import pytest

from measure.populate import PASSWORD, populate
from measure.race import ACCOUNTS, Race

# Each engine with and without ATOMIC_REQUESTS, and each size of gunicorn twice.
CONFIGURATIONS = [
    ("cache", True, (8, 1)),
    ("cache", False, (2, 4)),
    ("cached_db", True, (2, 4)),
    ("cached_db", False, (4, 1)),
    ("db", True, (4, 1)),
    ("db", False, (8, 1)),
]


@pytest.fixture(scope="module", params=CONFIGURATIONS, ids=lambda configuration: "{}-{}-{}".format(*configuration))
def race(lms, request):
    """Browsers at an LMS whose accounts have no profile yet."""
    engine, atomic_requests, (workers, threads) = request.param
    lms.configure(engine=engine, atomic_requests=atomic_requests)
    populate(lms, {account: [] for account in ACCOUNTS})
    with lms.serve(workers=workers, threads=threads) as url:
        yield Race(url, ACCOUNTS, PASSWORD, lms)


@pytest.mark.parametrize(("browsers", "rounds"), [(2, 2), (5, 2), (20, 2), (50, 1)])
def test_case_2_simultaneous_logins_leave_exactly_the_recorded_session(race, browsers, rounds):
    assert [race.play("log in", browsers) for _ in range(rounds)] == [set()] * rounds
    assert set(race.statuses) <= {200, 400}


@pytest.mark.parametrize(("kind", "browsers", "rounds"), [("sign in again", 2, 8), ("reload", 5, 4), ("swap", 2, 8)])
def test_case_2_who_signs_in_again_or_as_another_or_reloads_leaves_exactly_the_recorded_sessions(
    race, kind, browsers, rounds
):
    assert [race.play(kind, browsers) for _ in range(rounds)] == [set()] * rounds


def test_whatever_browsers_do_at_random_no_account_has_more_than_the_recorded_session(race):
    assert race.wander(seconds=3, seed="tests") == set()
