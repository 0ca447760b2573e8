"""A hundred exempt workers and a hundred learners at once, on MariaDB, Redis and gunicorn: a short ``make load``."""

import os

from measure.load import put_under_load

SECONDS = float(os.environ.get("LOAD_SECONDS", "10"))


def test_under_load_no_exempt_session_is_lost_and_every_learner_has_exactly_one(lms):
    figures, faults = put_under_load(lms, seconds=SECONDS)
    assert faults == [], figures
