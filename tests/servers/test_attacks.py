"""Attacks on the login path, and unlucky timing, on MariaDB, Redis and gunicorn."""

import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.signals import user_logged_in
from django.db import connection, connections
from django.db.models.signals import post_delete, post_save, pre_save
from django.test import Client

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from testing.production_lms import REPO_ROOT, own_prefix, redis_url
from tests.servers.stepping import (
    Step,
    in_background,
    stop,
    stop_before_commit,
    stop_before_login,
    wait_until_somebody_waits_for_a_row,
)

# The default limits, but for a year, so that none is over in the middle of a test.
RATES = {"LOGISTRATION_RATELIMIT_RATE": "100/365d", "LOGISTRATION_PER_EMAIL_RATELIMIT_RATE": "30/365d"}
ENDPOINTS = {
    "login_ajax": ("/login_ajax", "email", "email"),
    "sign_in_page": ("/login", "email_or_username", "email"),
    "xqueue": ("/xqueue/login/", "username", "username"),
}
SIGNED_IN, FAILED = (200, 302), (400, 401)


class StoppingHasher(MD5PasswordHasher):
    """Stops after it has verified a password."""

    def verify(self, password, encoded):
        is_right = super().verify(password, encoded)
        stop("after_password")
        return is_right


def stop_after_save(**kwargs):
    """A receiver of post_save: a profile is written and not committed."""
    stop("after_save")


def stop_between_deletions(**kwargs):
    """A receiver of post_delete: the profile is deleted, its account is not."""
    stop("between_deletions")


@pytest.fixture(params=[True, False], ids=["atomic_requests", "autocommit"])
def production(request, mariadb, settings):
    """This process's LMS as in production, with stops, with and without ATOMIC_REQUESTS."""
    receivers = [
        (user_logged_in, stop_before_commit, None),
        (pre_save, stop_before_login, get_user_model()),
        (post_save, stop_after_save, UserProfile),
        (post_delete, stop_between_deletions, UserProfile),
    ]
    for signal, receiver, sender in receivers:
        signal.connect(receiver, sender=sender)
    settings.PASSWORD_HASHERS = [f"{__name__}.{StoppingHasher.__name__}"]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    with own_prefix() as prefix:
        redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_url()}
        settings.CACHES = {"default": {**redis, "KEY_PREFIX": prefix}}
        connections.settings["default"]["ATOMIC_REQUESTS"] = request.param
        yield
        get_user_model().objects.all().delete()
    for signal, receiver, sender in receivers:
        signal.disconnect(receiver, sender=sender)


def attempt(endpoint, user, client):
    """Try to sign in. Return the response, also if it is a 5xx."""
    path, field, attribute = ENDPOINTS[endpoint]
    client.raise_request_exception = False
    return client.post(path, {field: getattr(user, attribute), "password": TEST_PASSWORD})


def sign_in(endpoint, user, client=None):
    """Sign in, in a new browser or again in ``client``. Return the status."""
    return attempt(endpoint, user, client or Client()).status_code


def sign_in_as_admin(user):
    """Return a client in which an administrator is signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def deletion(how, user):
    """Return a function that deletes the account in the admin. It returns the status, 302 if it worked."""
    if how == "by a command":
        return lambda: 302 if user.delete() else None
    admin = sign_in_as_admin(UserFactory(is_staff=True, is_superuser=True))
    if how == "among others":
        sent = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
        return lambda: admin.post("/admin/auth/user/", sent).status_code
    return lambda: admin.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"}).status_code


def exists(user):
    return get_user_model().objects.filter(pk=user.pk).exists() or UserProfile.objects.filter(user=user.pk).exists()


@pytest.mark.parametrize("how", ["alone", "among others"])
@pytest.mark.parametrize("has_profile", [True, False], ids=["profile", "no_profile"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_login_succeeds_then_its_account_is_deleted_without_remains(production, endpoint, has_profile, how):
    user = UserFactory() if has_profile else UserFactory(profile=None)
    with (
        in_background(lambda: sign_in(endpoint, user), before_commit=Step()) as finish_login,
        in_background(deletion(how, user)) as finish_deletion,
    ):
        if connections.settings["default"]["ATOMIC_REQUESTS"]:
            wait_until_somebody_waits_for_a_row()
        assert finish_login() in SIGNED_IN
        assert finish_deletion() == 302
    assert not exists(user)


@pytest.mark.parametrize("how", ["alone", "among others", "by a command"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_login_during_a_deletion_fails(production, endpoint, how):
    user = UserFactory()
    with (
        in_background(deletion(how, user), between_deletions=Step()) as finish_deletion,
        in_background(lambda: sign_in(endpoint, user)) as finish_login,
    ):
        wait_until_somebody_waits_for_a_row()
        assert finish_deletion() == 302
        assert finish_login() in FAILED
    assert not exists(user)


@pytest.mark.parametrize("has_profile", [True, False], ids=["profile", "no_profile"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_deletion_after_the_password_check_signs_nobody_in(production, endpoint, has_profile):
    user = UserFactory() if has_profile else UserFactory(profile=None)
    client = Client()
    with in_background(lambda: attempt(endpoint, user, client), after_password=Step()) as finish_login:
        assert deletion("alone", user)() == 302
        response = finish_login()
    assert response.status_code in FAILED
    assert response.wsgi_request.user.is_anonymous
    assert "_auth_user_id" not in client.session
    assert not exists(user)


@pytest.mark.parametrize("production", [False], indirect=True)
def test_profile_of_a_first_login_during_a_deletion_is_deleted(production):
    user, locks, step = UserFactory(profile=None), [], Step()

    def stop_before_second_lock(execute, sql, *arguments):
        if "FOR UPDATE" in sql:
            locks.append(sql)
            if len(locks) == 2:
                step.stop_here()
        return execute(sql, *arguments)

    delete = deletion("among others", user)

    def delete_step_by_step():
        with connection.execute_wrapper(stop_before_second_lock):
            return delete()

    with in_background(delete_step_by_step, step=step) as finish_deletion:
        assert sign_in("login_ajax", user) == 200
        assert finish_deletion() == 302
    assert not exists(user)


def test_login_while_the_own_profile_is_saved_succeeds(production):
    user = UserFactory(is_staff=True, is_superuser=True)
    admin, sent = sign_in_as_admin(user), {"user": user.pk, "name": "Another"}
    url = f"/admin/student/userprofile/{user.profile.pk}/change/"
    with (
        in_background(lambda: admin.post(url, sent).status_code, after_save=Step()) as finish_saving,
        in_background(lambda: sign_in("login_ajax", user)) as finish_login,
    ):
        wait_until_somebody_waits_for_a_row()
        assert finish_saving() == 302
        assert finish_login() == 200
    assert UserProfile.objects.get(user=user).name == "Another"


@pytest.mark.parametrize("engine", ["cache", "db", "cached_db"])
def test_two_browsers_that_swap_accounts_both_sign_in(production, settings, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    users, browsers, stops = UserFactory.create_batch(2), [Client(), Client()], [Step(), Step()]
    for user, browser in zip(users, browsers, strict=True):
        assert sign_in("login_ajax", user, browser) == 200
    first, second = (
        in_background(lambda user=user, browser=browser: sign_in("login_ajax", user, browser), before_login=step)
        for user, browser, step in zip(reversed(users), browsers, stops, strict=True)
    )
    with first as finish_first, second as finish_second:
        for step in stops:
            step.released.set()
        assert [finish_first(), finish_second()] == [200, 200]
    assert [browser.get("/dashboard").status_code for browser in browsers] == [200, 200]


@pytest.mark.parametrize("production", [True], indirect=True)
def test_every_spelling_that_mariadb_takes_for_an_account_counts_as_that_account(production, settings):
    settings.LOGISTRATION_PER_EMAIL_RATELIMIT_RATE = "3/365d"
    UserFactory(username="honor", email="honor@example.com")
    spellings = ["honor@example.com", "honor@exámple.com", "HONOR@example.com", "honor@example.com   "]
    for spelling in spellings:
        with own_prefix() as prefix:
            settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": prefix}}
            assert Client().post("/login_ajax", {"email": spelling, "password": TEST_PASSWORD}).status_code == 200
            for guess in spellings[:3]:
                answer = Client().post("/login_ajax", {"email": guess, "password": "wrong"}).json()
                assert answer["value"] == "Email or password is incorrect."
            answer = Client().post("/login_ajax", {"email": spelling, "password": TEST_PASSWORD}).json()
            assert answer["value"] == "Too many failed login attempts. Try again later."


@pytest.fixture(scope="module")
def site(lms):
    """The URL of a production LMS with graders and rate limits."""
    create = "from django.contrib.auth.models import User; User.objects.create_user('xqwatcher', None, 'edx')"
    lms.manage("shell", "--no-imports", "-c", create)
    documented = yaml.safe_load((REPO_ROOT / "docs" / "lms.yml").read_text())["CLOSEST_CLIENT_IP_FROM_HEADERS"]
    lms.configure(CLOSEST_CLIENT_IP_FROM_HEADERS=documented, SINGLE_LOGIN_EXEMPT_USERNAMES=["xqwatcher"], **RATES)
    with lms.serve(workers=2, threads=4) as url:
        yield url


def grader(url, address):
    """A grader with a CSRF cookie and its own address, behind a proxy."""
    session = requests.Session()
    session.headers.update({"X-Forwarded-For": address, "Connection": "close"})
    session.get(f"{url}/xqueue/login/", timeout=60)
    return session


def xqueue_login(session, url, password, **headers):
    data = {"username": "xqwatcher", "password": password}
    headers["X-CSRFToken"] = session.cookies["csrftoken"]
    return session.post(f"{url}/xqueue/login/", data=data, headers=headers, timeout=60).status_code


def test_a_hundred_graders_with_the_right_password_at_once_notice_no_limit(site):
    graders = [grader(site, "10.0.0.1") for _ in range(100)]
    start = Barrier(len(graders))

    def sign_in_with_the_others(session):
        start.wait()
        return xqueue_login(session, site, "edx")

    with ThreadPoolExecutor(len(graders)) as pool:
        statuses = list(pool.map(sign_in_with_the_others, graders))
    assert statuses == [200] * len(graders)


def test_guessing_at_the_xqueue_is_limited_whatever_address_the_client_claims(site):
    session = grader(site, "10.0.0.2")
    forged = [{"X-Forwarded-For": f"9.9.9.{n}, 10.0.0.2"} for n in range(31)]
    assert [xqueue_login(session, site, "wrong", **headers) for headers in forged] == [401] * 30 + [429]
    assert xqueue_login(session, site, "edx", **{"X-Forwarded-For": "9.9.9.9, 10.0.0.3"}) == 200


BIG = 2_000_000
FORM = "Content-Type: application/x-www-form-urlencoded"
BODIES = {
    "large": ([f"Content-Length: {BIG}"], b"x" * BIG, 413),
    "announced, not sent": ([f"Content-Length: {BIG}"], b"", 413),
    "chunked": (["Transfer-Encoding: chunked"], b"%x\r\n%s\r\n0\r\n\r\n" % (BIG, b"x" * BIG), 411),
    "chunks without an end": (["Transfer-Encoding: chunked"], b"%x\r\n" % BIG, 411),
    "more than announced": (["Content-Length: 5"], b"email=" + b"x" * BIG, 403),
    "two lengths": (["Content-Length: 5", f"Content-Length: {BIG}"], b"x" * BIG, 400),
    "length and chunked": (["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\n", 400),
    "length below nothing": (["Content-Length: -1"], b"x", 400),
}


@pytest.mark.parametrize("kind", BODIES)
def test_body_that_is_not_a_login_is_answered(site, kind):
    headers, body, expected = BODIES[kind]
    head = "\r\n".join(["POST /login_ajax HTTP/1.1", "Host: 127.0.0.1", "X-Forwarded-For: 10.0.0.4", FORM, *headers])
    with socket.create_connection((urlsplit(site).hostname, urlsplit(site).port), timeout=30) as client:
        client.sendall(head.encode() + b"\r\n\r\n" + body[:60_000])
        assert int(client.recv(12).split()[1]) == expected
