"""The session store of the site's own engine."""

import os
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends import cache, db, file
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ImproperlyConfigured
from django.db import router

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


def delete_session(session_key: str) -> bool:
    """
    Delete a session from the site's own store. Return whether it was this call that deleted it.

    Of several calls at the same time one returns True, with Django's engines. (With ``signed_cookies`` none does:
    nothing can be deleted.) Another engine can only be asked whether it has the session, before it is deleted.
    """
    store = site_store()(session_key)
    is_deleted = _delete_once(store, session_key)
    # The engine may have more to do: ``cached_db`` has a cache.
    store.delete()
    return is_deleted


def _delete_once(store: SessionBase, session_key: str) -> bool:
    if isinstance(store, db.SessionStore):
        rows = store.model._default_manager.using(router.db_for_write(store.model))
        return bool(rows.filter(session_key=session_key).delete()[0])
    if isinstance(store, cache.SessionStore):
        return bool(store._cache.delete(store.cache_key_prefix + session_key))  # type: ignore[attr-defined]
    if isinstance(store, file.SessionStore):
        try:
            os.unlink(store._key_to_file(session_key))  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    return store.exists(session_key)
