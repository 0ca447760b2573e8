"""The servers that these tests need. Without them the tests are skipped and say what to start. In CI they fail."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_init, pre_delete, pre_save

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.tests.level_settings import every_request, exempt_only
from testing.production_lms import find_obstacle, mysql_address, own_database, own_prefix, production_lms, redis_url
from tests.servers import private_servers, stepping


def require_none(obstacle):
    """Skip the test because of ``obstacle``, or fail it in CI. Do nothing if it is None."""
    if obstacle:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(obstacle)


@pytest.fixture(scope="session")
def servers():
    """MariaDB and Redis answer."""
    require_none(find_obstacle())


@pytest.fixture(scope="session")
def lms(servers, tmp_path_factory):
    """A production LMS on the machine's MariaDB and Redis."""
    with production_lms(tmp_path_factory.mktemp("production")) as production:
        yield production


@pytest.fixture(scope="session")
def private_folder():
    """A folder that is removed after all tests: the data of a MariaDB take 100 MB."""
    require_none(private_servers.find_obstacle())
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def private_mariadb(private_folder):
    """A MariaDB that the test may kill."""
    with private_servers.PrivateMariaDb(private_folder).running() as server:
        yield server


@pytest.fixture(scope="session")
def private_redis(private_folder):
    """A Redis that the test may kill."""
    with private_servers.PrivateRedis(private_folder).running() as server:
        yield server


@pytest.fixture(scope="session")
def private_lms(private_folder, private_mariadb, private_redis):
    """A production LMS on the servers that the test may kill."""
    with production_lms(private_folder, mysql=private_mariadb.address, redis=private_redis.url) as production:
        yield production


@pytest.fixture(scope="module")
def mariadb(servers, django_db_blocker):
    """Make MariaDB the default database of this process."""
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
    # It is cached only after it was used.
    with contextlib.suppress(AttributeError):
        del connections["default"]
    # Their numbers differ from database to database.
    ContentType.objects.clear_cache()


@pytest.fixture(params=["every_request"])
def stepped(request, mariadb, settings):
    """Use Redis and atomic requests, at the level in ``request.param``, with the stops of ``stepping``."""
    for name, value in (every_request() if request.param == "every_request" else exempt_only()).items():
        setattr(settings, name, value)
    middleware = list(django_settings.MIDDLEWARE)
    session_middleware = middleware.index("django.contrib.sessions.middleware.SessionMiddleware")
    middleware.insert(session_middleware + 1, f"{stepping.__name__}.StopBeforeSaveMiddleware")
    settings.MIDDLEWARE = middleware
    receivers = [
        (user_logged_in, stepping.stop_before_commit, None),
        (pre_save, stepping.stop_before_login, User),
        (pre_save, stepping.stop_before_insert, UserProfile),
        (pre_delete, stepping.stop_before_delete, Session),
        (post_init, stepping.stop_within_load, Session),
    ]
    for signal, receiver, sender in receivers:
        signal.connect(receiver, sender=sender)
    with own_prefix() as prefix:
        settings.CACHES = {
            "default": {
                "BACKEND": f"{stepping.__name__}.SteppingRedisCache",
                "LOCATION": redis_url(),
                "KEY_PREFIX": prefix,
            }
        }
        connections.settings["default"]["ATOMIC_REQUESTS"] = True
        yield
    for signal, receiver, sender in receivers:
        signal.disconnect(receiver, sender=sender)


@pytest.fixture
def user(mariadb):
    """An account with a profile."""
    account = UserFactory()
    yield account
    account.delete()
