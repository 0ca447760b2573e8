"""The plugin settings: what they install, and what they do not change."""

from types import SimpleNamespace

import ddt
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings

from openedx.core.djangoapps.single_login.one_session.site_store import site_store
from openedx.core.djangoapps.single_login.settings import (
    JWT_COOKIE_MIDDLEWARE,
    PLATFORM_JWT_MIDDLEWARE,
    SESSION_CHECK_MIDDLEWARE,
    SESSION_ENGINE,
    plugin_settings,
)

CACHE_ENGINE = "django.contrib.sessions.backends.cache"
SAFE_SESSIONS = "openedx.core.djangoapps.safe_sessions.middleware.SafeSessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


@ddt.ddt
class PluginSettingsTest(SimpleTestCase):
    """A site with a session engine and middleware."""

    def install(self, **values):
        site = {"SESSION_ENGINE": CACHE_ENGINE, "MIDDLEWARE": [SAFE_SESSIONS, AUTHENTICATION], **values}
        namespace = SimpleNamespace(**site)
        plugin_settings(namespace)
        return namespace

    @ddt.data({}, {"SINGLE_LOGIN_CHECK_EVERY_REQUEST": False}, {"SINGLE_LOGIN_CHECK_EVERY_REQUEST": "true"})
    def test_case_16_nothing_changes_until_the_setting_is_true(self, values):
        middleware = (PLATFORM_JWT_MIDDLEWARE, SAFE_SESSIONS)
        site = self.install(MIDDLEWARE=middleware, **values)
        assert vars(site) == {"SESSION_ENGINE": CACHE_ENGINE, "MIDDLEWARE": middleware, **values}

    def test_case_16_the_lms_of_this_repository_changes_nothing_by_default(self):
        assert settings.SESSION_ENGINE == "django.contrib.sessions.backends.db"
        assert not any("single_login" in name for name in settings.MIDDLEWARE)

    def test_the_check_is_put_over_the_sites_own_engine(self):
        site = self.install(SINGLE_LOGIN_CHECK_EVERY_REQUEST=True)
        assert (site.SESSION_ENGINE, site.SINGLE_LOGIN_SITE_SESSION_ENGINE) == (SESSION_ENGINE, CACHE_ENGINE)

    def test_a_site_that_names_no_engine_has_djangos(self):
        namespace = SimpleNamespace(MIDDLEWARE=[], SINGLE_LOGIN_CHECK_EVERY_REQUEST=True)
        plugin_settings(namespace)
        assert namespace.SINGLE_LOGIN_SITE_SESSION_ENGINE == "django.contrib.sessions.backends.db"

    @ddt.data(
        ([SAFE_SESSIONS, AUTHENTICATION], [SAFE_SESSIONS, SESSION_CHECK_MIDDLEWARE, AUTHENTICATION]),
        ((AUTHENTICATION,), [AUTHENTICATION, SESSION_CHECK_MIDDLEWARE]),
        (
            [PLATFORM_JWT_MIDDLEWARE, SAFE_SESSIONS],
            [JWT_COOKIE_MIDDLEWARE, PLATFORM_JWT_MIDDLEWARE, SAFE_SESSIONS, SESSION_CHECK_MIDDLEWARE],
        ),
    )
    @ddt.unpack
    def test_the_middleware_is_put_in_its_place(self, before, after):
        assert after == self.install(MIDDLEWARE=before, SINGLE_LOGIN_CHECK_EVERY_REQUEST=True).MIDDLEWARE

    @ddt.data(None, [1, 2], "django.middleware.common.CommonMiddleware", {"a.Middleware": 1}, [AUTHENTICATION, None])
    def test_middleware_that_is_no_list_of_names_is_refused_with_the_check(self, value):
        assert vars(self.install(MIDDLEWARE=value))["MIDDLEWARE"] == value
        with self.assertRaises(ImproperlyConfigured) as refusal:
            self.install(MIDDLEWARE=value, SINGLE_LOGIN_CHECK_EVERY_REQUEST=True)
        expected = f"MIDDLEWARE must be a list of dotted paths in quotes, but it is {value!r}."
        assert str(refusal.exception) == expected

    def test_a_second_call_changes_nothing(self):
        site = self.install(SINGLE_LOGIN_CHECK_EVERY_REQUEST=True, MIDDLEWARE=[PLATFORM_JWT_MIDDLEWARE, SAFE_SESSIONS])
        before = dict(vars(site))
        plugin_settings(site)
        assert vars(site) == before

    @ddt.data(
        {"SESSION_ENGINE": SESSION_ENGINE},
        {"SESSION_ENGINE": SESSION_ENGINE, "SINGLE_LOGIN_CHECK_EVERY_REQUEST": True},
        {"SESSION_ENGINE": SESSION_ENGINE, "SINGLE_LOGIN_SITE_SESSION_ENGINE": CACHE_ENGINE},
    )
    def test_our_engine_named_by_hand_is_refused(self, values):
        with self.assertRaisesRegex(ImproperlyConfigured, f"SESSION_ENGINE must not name '{SESSION_ENGINE}'"):
            self.install(**values)

    def test_a_site_engine_set_by_hand_that_differs_is_refused(self):
        values = {"SINGLE_LOGIN_CHECK_EVERY_REQUEST": True, "SINGLE_LOGIN_SITE_SESSION_ENGINE": "another.engine"}
        with self.assertRaisesRegex(ImproperlyConfigured, "is 'another.engine', but SESSION_ENGINE is .*: remove it"):
            self.install(**values)

    @override_settings(SESSION_ENGINE=SESSION_ENGINE)
    def test_our_engine_named_by_a_later_settings_file_is_refused(self):
        with self.assertRaisesRegex(ImproperlyConfigured, "SESSION_ENGINE must not name"):
            site_store()
