"""
Two requests of one account, interleaved step by step on MariaDB and Redis.

Nothing here depends on luck: each request stops where the test wants it, in a thread with a connection of its own.
"""

import json
from contextlib import ExitStack

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.signals import user_logged_in
from django.db import connection, connections, transaction
from django.db.models.signals import pre_save
from django.test import Client, override_settings

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.middleware import SingleLoginMiddleware
from testing.production_lms import own_prefix, redis_url
from tests.servers.stepping import Step, in_background, stop_before_commit, stop_before_insert

SESSION_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"
SINGLE_LOGIN_MIDDLEWARE = f"{SingleLoginMiddleware.__module__}.{SingleLoginMiddleware.__name__}"
STOP_BEFORE_SAVE = "tests.servers.stepping.StopBeforeSaveMiddleware"

# Where a late save can be stopped: before it begins, and within it, between the two halves of a cache engine's save.
LATE_SAVES = [
    ("cache", "before_save"),
    ("cache", "within_save"),
    ("cached_db", "before_save"),
    ("cached_db", "within_save"),
    ("db", "before_save"),
]
WITHIN_SAVE = [late_save for late_save in LATE_SAVES if late_save[1] == "within_save"]


@pytest.fixture(autouse=True)
def _production(mariadb, settings):
    """Sessions and counters are in Redis, the requests are atomic, and the stops are built in."""
    middleware = list(django_settings.MIDDLEWARE)
    middleware.insert(middleware.index(SESSION_MIDDLEWARE) + 1, STOP_BEFORE_SAVE)
    settings.MIDDLEWARE = middleware
    user_logged_in.connect(stop_before_commit)
    pre_save.connect(stop_before_insert, sender=UserProfile)
    with own_prefix() as prefix:
        settings.CACHES = {
            "default": {
                "BACKEND": "tests.servers.stepping.SteppingRedisCache",
                "LOCATION": redis_url(),
                "KEY_PREFIX": prefix,
            }
        }
        connections.settings["default"]["ATOMIC_REQUESTS"] = True
        yield
    user_logged_in.disconnect(stop_before_commit)
    pre_save.disconnect(stop_before_insert, sender=UserProfile)


@pytest.fixture
def user(mariadb):
    account = UserFactory()
    yield account
    account.delete()


def use_engine(settings, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"


def remove_middleware(settings):
    """Do without the middleware, as a platform does that has the wheel alone."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != SINGLE_LOGIN_MIDDLEWARE]


def sign_in(user):
    """Sign in; return the client and the status."""
    client = Client()
    response = client.post("/login_ajax", {"email": user.email, "password": TEST_PASSWORD})
    return client, response.status_code


def recorded(user):
    return json.loads(UserProfile.objects.values_list("meta", flat=True).get(user=user))["session_id"]


def is_alive(session_key):
    """Tell whether somebody who has this session key is signed in."""
    client = Client()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = session_key
    with override_settings(SESSION_SAVE_EVERY_REQUEST=False):
        return client.get("/dashboard").status_code == 200


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_2_a_login_that_saves_its_session_late_gives_way_without_any_middleware(settings, user, engine, where):
    use_engine(settings, engine)
    remove_middleware(settings)
    with in_background(lambda: sign_in(user), **{where: Step()}) as finish_loser:
        loser_key = recorded(user)
        winner, status = sign_in(user)
        assert status == 200
        _, loser_status = finish_loser()
    assert loser_status == 400
    assert not is_alive(loser_key)
    assert is_alive(recorded(user))
    assert recorded(user) == winner.session.session_key


@pytest.mark.parametrize(("engine", "where"), WITHIN_SAVE)
def test_case_2_a_login_that_saves_its_session_before_the_winner_commits_is_evicted_after(
    settings, user, engine, where
):
    use_engine(settings, engine)
    with in_background(lambda: sign_in(user), **{where: Step()}) as finish_loser:
        loser_key = recorded(user)
        with in_background(lambda: sign_in(user), before_commit=Step()) as finish_winner:
            # The loser's read finds the record as it was: it cannot know yet.
            assert finish_loser()[1] == 200
            assert is_alive(loser_key)
            _, status = finish_winner()
    assert status == 200
    assert not is_alive(loser_key)
    assert is_alive(recorded(user))


@pytest.mark.parametrize("atomic_requests", [True, False])
def test_case_2_two_first_logins_at_once_create_one_profile(settings, user, atomic_requests):
    use_engine(settings, "cache")
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic_requests
    UserProfile.objects.filter(user=user).delete()
    with in_background(lambda: sign_in(user), before_insert=Step()) as finish_first:
        if atomic_requests:
            # The second would wait for the first at update_last_login, so it can only follow.
            assert finish_first()[1] == 200
            _, status = sign_in(user)
        else:
            with in_background(lambda: sign_in(user), before_insert=Step()) as finish_second:
                assert finish_first()[1] == 200
                _, status = finish_second()
    assert status == 200
    assert is_alive(recorded(user))


def request_in_flight(client):
    return lambda: client.get("/dashboard").status_code


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_2_an_ordinary_request_cannot_bring_an_evicted_session_back(settings, user, engine, where):
    use_engine(settings, engine)
    settings.SESSION_SAVE_EVERY_REQUEST = True
    client, _ = sign_in(user)
    key = client.session.session_key
    with in_background(request_in_flight(client), **{where: Step()}) as finish:
        sign_in(user)
        assert finish() == 400
    assert not is_alive(key)
    assert is_alive(recorded(user))


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_4_an_ordinary_request_cannot_bring_a_signed_out_session_back(settings, user, engine, where):
    use_engine(settings, engine)
    settings.SESSION_SAVE_EVERY_REQUEST = True
    client, _ = sign_in(user)
    key = client.session.session_key
    other_tab = Client()
    other_tab.cookies = client.cookies.copy()
    with in_background(request_in_flight(client), **{where: Step()}) as finish:
        other_tab.get("/logout")
        assert finish() == 400
    assert not is_alive(key)
    assert recorded(user) is None


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_without_the_middleware_the_window_is_within_the_save_of_a_cache_engine(settings, user, engine, where):
    use_engine(settings, engine)
    settings.SESSION_SAVE_EVERY_REQUEST = True
    remove_middleware(settings)
    client, _ = sign_in(user)
    key = client.session.session_key
    with in_background(request_in_flight(client), **{where: Step()}) as finish:
        sign_in(user)
        finish()
    assert is_alive(key) is (where == "within_save")


def test_an_exempt_session_that_is_saved_late_stays(settings, user):
    use_engine(settings, "cache")
    settings.SINGLE_LOGIN_EXEMPT_USERNAMES = [user.username]
    settings.SESSION_SAVE_EVERY_REQUEST = True
    client, _ = sign_in(user)
    with in_background(request_in_flight(client), within_save=Step()) as finish:
        sign_in(user)
        settings.SINGLE_LOGIN_EXEMPT_USERNAMES = []
        sign_in(user)
        assert finish() == 200
    assert is_alive(client.session.session_key)


@pytest.mark.parametrize("atomic_requests", [True, False])
def test_case_11_a_login_waits_for_a_writer_and_loses_nothing_of_it(settings, user, atomic_requests):
    use_engine(settings, "cache")
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic_requests
    with ExitStack() as stack:
        with transaction.atomic():
            profile = UserProfile.objects.select_for_update().get(user=user)
            profile.set_meta({"written": "by another"})
            profile.name = "Another"
            profile.save()
            finish = stack.enter_context(in_background(lambda: sign_in(user)))
            wait_until_somebody_runs("SELECT%auth_userprofile%FOR UPDATE")
        client, status = finish()
    assert status == 200
    profile = UserProfile.objects.get(user=user)
    assert profile.get_meta() == {"written": "by another", "session_id": client.session.session_key}
    assert profile.name == "Another"


def test_case_11_a_writer_waits_for_a_login_and_both_keep_what_they_wrote(settings, user):
    use_engine(settings, "cache")

    def add_a_key():
        with transaction.atomic():
            profile = UserProfile.objects.select_for_update().get(user=user)
            profile.set_meta({**profile.get_meta(), "written": "by another"})
            profile.save(update_fields=["meta"])

    with (
        in_background(lambda: sign_in(user), before_commit=Step()) as finish,
        in_background(add_a_key) as finish_writer,
    ):
        wait_until_somebody_runs("SELECT%auth_userprofile%FOR UPDATE")
        client, _ = finish()
        finish_writer()
    profile = UserProfile.objects.get(user=user)
    assert profile.get_meta() == {"written": "by another", "session_id": client.session.session_key}


def wait_until_somebody_runs(statement):
    """Return as soon as another connection to this database runs ``statement``, which waits for the row held here."""
    found = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE %s"
    with connection.cursor() as cursor:
        for _ in range(100_000):
            cursor.execute(f"{found} AND id != CONNECTION_ID()", [statement])
            if cursor.fetchone()[0]:
                return
    raise AssertionError(f"Nobody runs {statement}.")
