"""Plugin settings: our session engine over the site's own, whichever that is."""

from types import ModuleType

from django.conf import global_settings

PACKAGE = __name__.rpartition(".")[0]
SESSION_ENGINE = f"{PACKAGE}.session_engine"
SESSION_CHECK_MIDDLEWARE = f"{PACKAGE}.middleware.SessionCheckMiddleware"
JWT_COOKIE_MIDDLEWARE = f"{PACKAGE}.middleware.JwtCookieMiddleware"
# .. setting_name: SINGLE_LOGIN_SITE_SESSION_ENGINE
# .. setting_default: django.contrib.sessions.backends.db
# .. setting_description: The site's own session engine, over which ``SESSION_ENGINE`` names the one of this app. It is
#   set by itself; a settings file that comes after the plugins' has to change this one, and not ``SESSION_ENGINE``.
SITE_ENGINE = "SINGLE_LOGIN_SITE_SESSION_ENGINE"

READER_OF_JWT_COOKIES = "edx_rest_framework_extensions.auth.jwt.middleware.JwtAuthCookieMiddleware"


def plugin_settings(settings: ModuleType) -> None:
    """
    Put the rule over the settings of a site, once: its sessions, and the JWT cookies that go with them.

    Runs after the operator's file is read, so ``SESSION_ENGINE`` goes on naming the site's own engine there.
    """
    engine = getattr(settings, "SESSION_ENGINE", global_settings.SESSION_ENGINE)
    if engine != SESSION_ENGINE:
        setattr(settings, SITE_ENGINE, engine)
        settings.SESSION_ENGINE = SESSION_ENGINE  # type: ignore[attr-defined]
    # In front of the platform's, which joins these cookies when the view is known.
    middleware = list(settings.MIDDLEWARE)
    if READER_OF_JWT_COOKIES in middleware and JWT_COOKIE_MIDDLEWARE not in middleware:
        middleware.insert(middleware.index(READER_OF_JWT_COOKIES), JWT_COOKIE_MIDDLEWARE)
        settings.MIDDLEWARE = middleware  # type: ignore[attr-defined]
