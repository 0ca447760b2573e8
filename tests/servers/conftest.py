"""The servers that these tests need: where they are missing the tests skip and say what to start; in CI they fail."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

from testing import private_servers
from testing.production_lms import find_obstacle, mysql_address, own_database, production_lms


def require_none(obstacle):
    """Skip the test because of ``obstacle``, or fail it in CI; go on if it is None."""
    if obstacle:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(obstacle)


@pytest.fixture(scope="session")
def servers():
    """MariaDB and Redis answer."""
    require_none(find_obstacle())


@pytest.fixture(scope="session")
def lms(servers, tmp_path_factory):
    """A production LMS on the machine's servers, with a database and a key prefix of its own."""
    with production_lms(tmp_path_factory.mktemp("production")) as production:
        yield production


@pytest.fixture(scope="session")
def private_folder():
    """A folder that is removed afterwards: a MariaDB's data take 100 MB."""
    require_none(private_servers.find_obstacle())
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def private_mariadb(private_folder):
    """A MariaDB of the tests' own, to be killed."""
    with private_servers.PrivateMariaDb(private_folder).running() as server:
        yield server


@pytest.fixture(scope="session")
def private_redis(private_folder):
    """A Redis of the tests' own, to be killed."""
    with private_servers.PrivateRedis(private_folder).running() as server:
        yield server


@pytest.fixture(scope="session")
def private_lms(private_folder, private_mariadb, private_redis):
    """A production LMS on the tests' own servers."""
    with production_lms(private_folder, mysql=private_mariadb.address, redis=private_redis.url) as production:
        yield production


@pytest.fixture(scope="module")
def mariadb(servers, django_db_blocker):
    """MariaDB is this process's default database."""
    own = connections.settings["default"]
    with own_database() as name, django_db_blocker.unblock():
        options = {"isolation_level": "read committed", "charset": "utf8mb4"}
        mysql = {"ENGINE": "django.db.backends.mysql", "NAME": name, **mysql_address(), "OPTIONS": options}
        use_database(connections.configure_settings({"default": mysql})["default"])
        try:
            call_command("migrate", "submissions", "0005_submissionfile", verbosity=0)
            call_command("migrate", "submissions", "0006", fake=True, verbosity=0)
            call_command("migrate", verbosity=0)
            yield
        finally:
            connections.close_all()
            use_database(own)


def use_database(database):
    """Make ``database`` the default one."""
    connections.settings["default"] = database
    # Nobody may have asked for it since the last change.
    with contextlib.suppress(AttributeError):
        del connections["default"]
