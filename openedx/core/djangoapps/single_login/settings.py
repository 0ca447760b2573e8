"""Plugin settings: install the check at every request, if the site asks for it."""

from types import ModuleType
from typing import Any

from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured

from .exemptions import CHECK_EVERY_REQUEST

PACKAGE = __name__.rpartition(".")[0]
SESSION_ENGINE = f"{PACKAGE}.one_session.engine"
SESSION_CHECK_MIDDLEWARE = f"{PACKAGE}.one_session.middleware.SessionCheckMiddleware"
JWT_COOKIE_MIDDLEWARE = f"{PACKAGE}.one_session.jwt_cookies.JwtCookieMiddleware"

# .. setting_name: SINGLE_LOGIN_SITE_SESSION_ENGINE
# .. setting_default: None
# .. setting_description: The site's own session engine while SINGLE_LOGIN_CHECK_EVERY_REQUEST is on. The app sets it
#   from SESSION_ENGINE. Only a settings file that is read after the plugin settings sets it, instead of SESSION_ENGINE.
SITE_ENGINE = "SINGLE_LOGIN_SITE_SESSION_ENGINE"

NAMED_BY_HAND = (
    f"SESSION_ENGINE must not name {SESSION_ENGINE!r}, which the app puts there itself. "
    f"Let it name the session engine of your site, and set {CHECK_EVERY_REQUEST}: true."
)
PLATFORM_JWT_MIDDLEWARE = "edx_rest_framework_extensions.auth.jwt.middleware.JwtAuthCookieMiddleware"


def plugin_settings(settings: ModuleType) -> None:
    """
    Install the session engine and the middleware of the check, if SINGLE_LOGIN_CHECK_EVERY_REQUEST is true.

    Otherwise, and at a second call, nothing changes. Runs after lms.yml is read.

    Raises:
        ImproperlyConfigured: SESSION_ENGINE or SINGLE_LOGIN_SITE_SESSION_ENGINE was set to a wrong value by hand, or
            MIDDLEWARE is no list of names.
    """
    is_on = getattr(settings, CHECK_EVERY_REQUEST, False) is True
    engine = getattr(settings, "SESSION_ENGINE", global_settings.SESSION_ENGINE)
    site_engine = getattr(settings, SITE_ENGINE, None)
    if engine == SESSION_ENGINE and not (is_on and site_engine):
        raise ImproperlyConfigured(NAMED_BY_HAND)
    if not is_on:
        return
    if engine != SESSION_ENGINE:
        if site_engine not in (None, engine):
            raise ImproperlyConfigured(
                f"{SITE_ENGINE} is {site_engine!r}, but SESSION_ENGINE is {engine!r}. The app sets {SITE_ENGINE} from "
                "SESSION_ENGINE: remove it."
            )
        setattr(settings, SITE_ENGINE, engine)
        settings.SESSION_ENGINE = SESSION_ENGINE  # type: ignore[attr-defined]
    settings.MIDDLEWARE = _add_middleware(getattr(settings, "MIDDLEWARE", None))  # type: ignore[attr-defined]


def find_session_middleware(names: list[str]) -> int | None:
    """Return the place of the session middleware, the platform's or Django's, in ``names``, or None."""
    return next((place for place, name in enumerate(names) if name.endswith("SessionMiddleware")), None)


def _add_middleware(middleware: Any) -> list[str]:
    if not isinstance(middleware, list | tuple) or not all(isinstance(name, str) for name in middleware):
        raise ImproperlyConfigured(f"MIDDLEWARE must be a list of dotted paths in quotes, but it is {middleware!r}.")
    names = list(middleware)
    if SESSION_CHECK_MIDDLEWARE not in names:
        # Directly inside the session middleware: after the view and its transaction, before the session is saved.
        outer = find_session_middleware(names)
        names.insert(len(names) if outer is None else outer + 1, SESSION_CHECK_MIDDLEWARE)
    if PLATFORM_JWT_MIDDLEWARE in names and JWT_COOKIE_MIDDLEWARE not in names:
        names.insert(names.index(PLATFORM_JWT_MIDDLEWARE), JWT_COOKIE_MIDDLEWARE)
    return names
