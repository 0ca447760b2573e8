"""The notice on the sign-in page after a session was ended."""

import re
from contextlib import contextmanager
from datetime import datetime, timedelta

import ddt
from django.contrib.sessions.models import Session
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client, TransactionTestCase, override_settings
from django.utils import timezone

from common.djangoapps.student import eviction_notice
from common.djangoapps.student.eviction_notice import COOKIE
from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.level_settings import every_request, site_engine
from openedx.core.djangoapps.single_login.tests.single_login_cases import BY_GROUP, protection

SIGNED_IN_ELSEWHERE, ENDED = "signed in somewhere else", "This session has ended."
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


class FailingCache(caches["default"].__class__):
    """A cache that cannot be reached."""

    def get(self, *args, **kwargs):
        raise ConnectionError

    set = get


class RecordingCache(LocMemCache):
    """A cache that records the key, value and timeout of each entry."""

    kept = []

    def set(self, key, value, *args, **kwargs):
        self.kept.append((key, value, kwargs.get("timeout")))
        super().set(key, value, *args, **kwargs)


@ddt.ddt
class EvictionNoticeTest(TransactionTestCase):
    """Two browsers sign in to one account."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(username="honor", groups=["xqueue"])
        self.first, self.second = Client(), Client()

    def sign_in(self, client, user=None):
        data = {"email_or_username": (user or self.user).username, "password": TEST_PASSWORD}
        assert client.post("/login", data).status_code == 302

    def evict(self):
        self.sign_in(self.first)
        self.sign_in(self.second)

    def sees_notice(self, client, path="/login", text=SIGNED_IN_ELSEWHERE):
        return text in client.get(path, follow=True).content.decode()

    @ddt.data("/login", "/dashboard", "/xqueue/get_submission/", "/admin/")
    def test_evicted_browser_sees_the_notice_after_any_first_request(self, path):
        self.evict()
        self.first.get(path)
        assert self.sees_notice(self.first, "/dashboard")

    @ddt.data("db", "cached_db", "cache", "file")
    def test_notice_is_shown_with_every_session_engine(self, engine):
        with site_engine(engine):
            self.evict()
            assert self.sees_notice(self.first, "/dashboard")

    def test_notice_says_when_the_login_was_and_what_to_do(self):
        before = timezone.now().replace(second=0, microsecond=0)
        self.evict()
        response = self.first.get("/login")
        said = datetime.fromisoformat(re.search(r'<time datetime="([^"]*)"', response.content.decode())[1])
        assert before <= said <= timezone.now()
        self.assertContains(response, f"{said:%H:%M} UTC")
        self.assertContains(response, "sign in here to end the other session, and get a new password at once")

    def test_notice_names_support_staff_as_a_possible_reason(self):
        self.evict()
        self.assertContains(self.first.get("/login"), "support staff who are helping you")

    @ddt.data(
        ({"SUPPORT_SITE_LINK": "https://example.com/help?a=1&b"}, ['<a href="https://example.com/help?a=1&amp;b">']),
        ({"TECH_SUPPORT_EMAIL": "help@example.com"}, ['<a href="mailto:help@example.com">help@example.com</a>']),
        (
            {"SUPPORT_SITE_LINK": "https://example.com/help", "TECH_SUPPORT_EMAIL": "help@example.com"},
            ['<a href="https://example.com/help">', '<a href="mailto:help@example.com">'],
        ),
        ({"SUPPORT_SITE_LINK": "", "TECH_SUPPORT_EMAIL": None}, ["The people who run this site"]),
    )
    @ddt.unpack
    def test_notice_says_where_to_get_a_new_password(self, addresses, expected):
        self.evict()
        with override_settings(**addresses):
            page = self.first.get("/login").content.decode()
        assert all(text in page for text in expected)
        assert ("The people who run this site" in page) is not any(addresses.values())

    @override_settings(TECH_SUPPORT_EMAIL="help@example.com")
    def test_address_of_support_is_only_in_the_notice_of_a_login(self):
        assert "help@example.com" not in Client().get("/login").content.decode()

    def test_notice_stays_until_somebody_signs_in(self):
        self.evict()
        assert [self.sees_notice(self.first, "/dashboard") for _ in range(3)] == [True] * 3
        response = self.first.post("/login", {"email_or_username": "honor"})
        self.assertContains(response, SIGNED_IN_ELSEWHERE, status_code=400)
        self.sign_in(self.first)
        assert self.first.get("/dashboard").status_code == 200
        assert not self.first.cookies[COOKIE].value
        self.first.get("/logout")
        assert not self.sees_notice(self.first)

    def test_notice_of_a_login_elsewhere_is_not_replaced_by_a_neutral_one(self):
        self.evict()
        key = self.first.cookies["sessionid"].value
        eviction_notice.store_notice(key, "not the session on record")
        assert self.sees_notice(self.first, "/dashboard")

    def test_browser_that_signed_in_later_sees_no_notice(self):
        self.evict()
        assert not self.sees_notice(self.second, "/dashboard")
        self.second.get("/logout")
        assert not self.sees_notice(self.second)

    def test_expired_session_leaves_no_notice(self):
        self.sign_in(self.first)
        Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
        assert not self.sees_notice(self.first, "/dashboard")

    def test_forged_cookie_shows_no_notice(self):
        self.evict()
        assert not self.sees_notice(Client())
        for name in ("sessionid", COOKIE):
            client = Client()
            client.cookies[name] = "2026-11-23T12:00:00+00:00"
            assert not self.sees_notice(client, "/dashboard")

    @override_settings(SESSION_ENGINE="common.djangoapps.student.tests.new_key_sessions")
    def test_notice_is_shown_with_an_engine_that_gives_a_lost_session_a_new_key(self):
        self.evict()
        assert self.sees_notice(self.first, "/dashboard")

    @override_settings(**every_request())
    def test_session_that_no_login_ended_gets_a_neutral_notice(self):
        with protection(False):
            self.sign_in(self.second)
        UserProfile.objects.update(meta='{"session_id": "another"}')
        assert self.sees_notice(self.second, "/dashboard", ENDED)
        assert not self.sees_notice(self.second, "/dashboard")

    @override_settings(**every_request())
    def test_session_that_is_no_longer_exempt_gets_a_neutral_notice(self):
        with override_settings(**BY_GROUP):
            self.sign_in(self.first)
        assert self.sees_notice(self.first, "/dashboard", ENDED)
        assert not self.sees_notice(self.first, "/dashboard")

    def test_exempt_account_sees_no_notice(self):
        with override_settings(**BY_GROUP):
            self.evict()
            self.first.get("/logout")
            assert not self.sees_notice(self.first)

    def test_no_notice_with_the_protection_off(self):
        with protection(False):
            self.evict()
            self.first.get("/logout")
            assert not self.sees_notice(self.first)

    def test_cache_holds_no_session_key(self):
        self.sign_in(self.first)
        key = self.first.session.session_key
        with self.recording_cache() as kept:
            self.sign_in(self.second)
        assert len(kept) == 1
        assert key not in str(kept)

    @contextmanager
    def recording_cache(self):
        recording = {"BACKEND": f"{RecordingCache.__module__}.RecordingCache"}
        RecordingCache.kept.clear()
        with override_settings(CACHES={"default": {"BACKEND": LOCMEM}, "single_login": recording}):
            yield RecordingCache.kept

    def test_notice_expires_in_the_cache_when_a_session_does(self):
        with self.recording_cache() as kept:
            self.evict()
        assert [timeout for _, _, timeout in kept] == [self.second.session.get_expiry_age()] == [4 * 7 * 24 * 60 * 60]

    @override_settings(SESSION_COOKIE_PATH="/learn", SESSION_COOKIE_DOMAIN="learn.example.com")
    def test_cookie_has_path_and_domain_of_the_session_cookie_and_lasts_a_day(self):
        self.evict()
        given = self.first.get("/dashboard").cookies[COOKIE]
        assert (given["path"], given["domain"], given["max-age"]) == ("/learn", "learn.example.com", 24 * 60 * 60)
        self.sign_in(self.first)
        taken = self.first.get("/dashboard").cookies[COOKIE]
        assert (taken["path"], taken["domain"], taken["max-age"]) == ("/learn", "learn.example.com", 0)

    def test_cookie_is_http_only_and_holds_no_session_key(self):
        self.sign_in(self.first)
        key = self.first.session.session_key
        self.sign_in(self.second)
        cookie = self.first.get("/dashboard").cookies[COOKIE]
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
        assert key not in cookie.value

    @override_settings(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="None")
    def test_cookie_is_secure_and_same_site_as_the_session_cookie(self):
        self.evict()
        cookie = self.first.get("/dashboard").cookies[COOKIE]
        assert (cookie["secure"], cookie["samesite"]) == (True, "None")

    def test_cache_error_loses_only_the_notice(self):
        failing = {"BACKEND": f"{FailingCache.__module__}.FailingCache"}
        with override_settings(CACHES={"default": {"BACKEND": LOCMEM}, "single_login": failing}):
            with self.assertLogs(eviction_notice.LOG, "WARNING") as logged:
                self.sign_in(self.first)
                key = self.first.session.session_key
                self.sign_in(self.second)
                assert not self.sees_notice(self.first, "/dashboard")
            assert key not in str(logged.output)
            assert self.second.get("/dashboard").status_code == 200
