"""The heartbeat, with services that answer and services that fail."""

from contextlib import contextmanager

import ddt
from django.contrib.sessions.models import Session
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test import TestCase, override_settings

UNREACHABLE_CACHE = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": "redis://127.0.0.1:1/0",
}
FORGETFUL_CACHE = {"BACKEND": "openedx.core.djangoapps.heartbeat.tests.forgetful_cache.ForgetfulCache"}
WORKING_CACHE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


@ddt.ddt
class HeartbeatTest(TestCase):
    """Load balancers and operators ask it whether this process can serve requests."""

    @ddt.data("get", "head")
    def test_heartbeat_is_ok_when_every_service_answers(self, method):
        response = getattr(self.client, method)("/heartbeat")
        assert response.status_code == 200
        if method == "get":
            assert response.json() == {
                service: {"status": True, "message": "OK"} for service in ("sql", "cache", "sessions")
            }

    @override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
    def test_cache_that_stores_nothing_is_reported(self):
        response = self.client.get("/heartbeat")
        assert response.status_code == 503
        assert response.json()["cache"]["status"] is False
        assert response.json()["sql"]["status"] is True

    @override_settings(
        CACHES={"default": WORKING_CACHE, "sessions": UNREACHABLE_CACHE},
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        SESSION_CACHE_ALIAS="sessions",
    )
    def test_unreachable_session_store_is_reported_without_details(self):
        response = self.client.get("/heartbeat")
        assert response.status_code == 503
        assert response.json()["sessions"] == {"status": False, "message": "Does not answer"}
        assert response.json()["cache"]["status"] is True

    @override_settings(
        CACHES={"default": WORKING_CACHE, "sessions": FORGETFUL_CACHE},
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        SESSION_CACHE_ALIAS="sessions",
    )
    def test_session_store_that_keeps_nothing_and_says_nothing_is_reported(self):
        response = self.client.get("/heartbeat")
        assert response.status_code == 503
        assert response.json()["sessions"] == {"status": False, "message": "Does not answer"}
        assert response.json()["cache"]["status"] is True

    @override_settings(CACHES={"default": FORGETFUL_CACHE})
    def test_cache_that_keeps_nothing_and_says_nothing_is_reported(self):
        response = self.client.get("/heartbeat")
        assert response.status_code == 503
        assert response.json()["cache"] == {"status": False, "message": "Does not answer"}

    @override_settings(CACHES={"default": {"BACKEND": f"{__name__}.ReadOnlyCache", "LOCATION": "read-only"}})
    def test_cache_that_can_only_be_read_is_reported(self):
        with ReadOnlyCache.writable():
            assert self.client.get("/heartbeat").status_code == 200
        assert self.client.get("/heartbeat").json()["cache"]["status"] is False

    def test_table_of_sessions_that_can_only_be_read_is_reported(self):
        def refuse_to_write(execute, sql, *arguments):
            if "django_session" in sql and not sql.startswith("SELECT"):
                raise ConnectionError("This server is read-only.")
            return execute(sql, *arguments)

        with connection.execute_wrapper(refuse_to_write):
            assert self.client.get("/heartbeat").json()["sessions"]["status"] is False

    @ddt.data("db", "cached_db", "cache", "file", "signed_cookies")
    def test_every_session_engine_answers(self, engine):
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
            assert self.client.get("/heartbeat").status_code == 200

    @ddt.data("db", "cached_db")
    def test_no_session_is_left_in_the_database(self, engine):
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
            assert self.client.get("/heartbeat").status_code == 200
        assert not Session.objects.exists()


class ReadOnlyCache(LocMemCache):
    """A cache whose server has become read-only. What is written is lost without an error."""

    is_writable = False

    @classmethod
    @contextmanager
    def writable(cls):
        """Let the cache be written inside this context."""
        cls.is_writable = True
        try:
            yield
        finally:
            cls.is_writable = False

    def set(self, *args, **kwargs):
        """Write only while the server lets us."""
        if self.is_writable:
            super().set(*args, **kwargs)

    def delete(self, *args, **kwargs):
        """Keep the entry."""
