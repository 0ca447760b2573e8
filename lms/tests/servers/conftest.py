"""The servers that these tests need: where they are missing the tests skip and say what to start; in CI they fail."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts"))
from production_lms import find_obstacle, production_lms


@pytest.fixture(scope="session")
def servers():
    """MariaDB and Redis answer."""
    obstacle = find_obstacle()
    if obstacle:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(obstacle)


@pytest.fixture(scope="session")
def lms(servers, tmp_path_factory):
    """A production LMS on the machine's servers, with a database and a key prefix of its own."""
    with production_lms(tmp_path_factory.mktemp("production")) as production:
        yield production
