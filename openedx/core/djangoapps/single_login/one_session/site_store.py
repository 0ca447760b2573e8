"""The session store of the site's own engine."""

from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ImproperlyConfigured

from ..settings import NAMED_BY_HAND, SESSION_ENGINE, SITE_ENGINE


def site_store() -> type[SessionBase]:
    """
    Return the session store of the site's own engine, without the check at every request.

    Raises:
        ImproperlyConfigured: SESSION_ENGINE names the engine of this app, but the plugin settings did not put it there.
    """
    engine: str = settings.SESSION_ENGINE
    if engine == SESSION_ENGINE:
        engine = getattr(settings, SITE_ENGINE, SESSION_ENGINE)
        if engine == SESSION_ENGINE:
            raise ImproperlyConfigured(NAMED_BY_HAND)
    store: type[SessionBase] = import_module(engine).SessionStore
    return store
