"""Case 2 on MariaDB, Redis and gunicorn: simultaneous logins of one account leave one session, the recorded one."""

import pytest

from measure.race import ATOMIC_REQUESTS, CREATE_RACER, ENGINES, GUNICORN, race

# A sample of what "make race" plays at length.
ROUNDS = {2: 1, 5: 1, 20: 2, 50: 1}


@pytest.fixture(scope="module")
def racing(lms):
    lms.manage("shell", "--no-imports", "-c", CREATE_RACER)
    return lms


@pytest.mark.parametrize(("workers", "threads"), GUNICORN)
@pytest.mark.parametrize("atomic_requests", ATOMIC_REQUESTS)
@pytest.mark.parametrize("engine", ENGINES)
def test_case_2_simultaneous_logins_leave_exactly_the_recorded_session(
    racing, engine, atomic_requests, workers, threads
):
    sizes = {"workers": workers, "threads": threads}
    for row in race(racing, engine=engine, atomic_requests=atomic_requests, rounds=ROUNDS, **sizes):
        assert row["exact"] == row["rounds"], row
        assert set(row["statuses"]) <= {200, 400}, row
