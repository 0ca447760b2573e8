"""The heartbeat, with services that answer and services that fail."""

import ddt
from django.test import TestCase, override_settings

UNREACHABLE_CACHE = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": "redis://127.0.0.1:1/0",
}
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
