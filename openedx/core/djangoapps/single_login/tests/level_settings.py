"""The two levels of the protection, and the session engines, as settings for tests."""

from importlib import reload
from types import SimpleNamespace

from django.conf import settings
from django.core.signals import setting_changed
from django.test import override_settings

from openedx.core.djangoapps.single_login.settings import SITE_ENGINE, plugin_settings

ENGINES = ["db", "cached_db", "cache", "file"]
# A session in a cookie cannot be ended by a login. Only the check at every request protects such a site.
ALL_ENGINES = [*ENGINES, "signed_cookies"]


def exempt_only(engine="db"):
    """Return the settings of a site at the level exempt only, with Django's session engine of this name."""
    return {
        "SINGLE_LOGIN_CHECK_EVERY_REQUEST": False,
        "SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}",
        "MIDDLEWARE": [name for name in settings.MIDDLEWARE if ".single_login." not in name],
    }


def every_request(engine="db"):
    """Return the settings of a site that checks every request, as the plugin settings make them."""
    site = SimpleNamespace(**{**exempt_only(engine), "SINGLE_LOGIN_CHECK_EVERY_REQUEST": True})
    plugin_settings(site)
    return vars(site)


def site_engine(name):
    """Return settings in which the site's own session engine is Django's of this name, at the level that is on."""
    is_checking = settings.SINGLE_LOGIN_CHECK_EVERY_REQUEST
    return override_settings(**(every_request(name) if is_checking else exempt_only(name)))


def _rebuild_engine(*, setting, value, **kwargs):
    """Let the session engine inherit from the new store of the site."""
    if setting == SITE_ENGINE and value is not None:
        from openedx.core.djangoapps.single_login.one_session import engine

        reload(engine)


setting_changed.connect(_rebuild_engine)
