"""
Telling the person whose session was evicted that the account signed in elsewhere, and when.

An eviction leaves the time in a cache, under a keyed hash of the session's key: nobody who reads the cache learns a
session key, and only the browser that holds the key can ask. The first response to that browser after the eviction
takes its dead session cookie away, whatever was requested, so the middleware hands the time over to the sign-in page in
a signed cookie. A session that merely expired has left nothing, and nothing is said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import DEFAULT_CACHE_ALIAS, BaseCache, caches
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import SimpleLazyObject

LOG = logging.getLogger(__name__)

# A cache of this name is used when there is one: a site whose default cache is in its database wants another here, for
# a login must not cost an extra statement.
CACHE_ALIAS = "single_login"
COOKIE = "signed_in_elsewhere"
SALT = "single_login.eviction_notice"
COOKIE_SECONDS = 24 * 60 * 60


def leave(session_key, **kwargs):
    """
    Receive ``session_evicted``: leave word that the session of this key was evicted now.

    A cache that fails costs the notice, and no more.
    """
    try:
        _cache().set(_hashed(session_key), timezone.now().isoformat(), timeout=settings.SESSION_COOKIE_AGE)
    except Exception:
        LOG.warning("The time of an eviction could not be kept in the cache", exc_info=True)


def find(request: HttpRequest) -> datetime | None:
    """Return when the session of this browser was evicted; None when it was not."""
    time = _find_by_session(request) or request.get_signed_cookie(COOKIE, None, salt=SALT, max_age=COOKIE_SECONDS)
    return datetime.fromisoformat(time) if time else None


def signed_in_elsewhere(request: HttpRequest) -> dict[str, Any]:
    """Offer templates ``signed_in_elsewhere_at``, a context processor's way: it is looked up when it is used."""
    return {"signed_in_elsewhere_at": SimpleLazyObject(lambda: find(request))}


class EvictionNoticeMiddleware:
    """
    Keeps the notice for the sign-in page when the dead session cookie goes, until somebody signs in.

    Goes anywhere after the session middleware. The cache is asked only when a request names a session that is no more.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and set or remove the signed cookie where there is need."""
        response = self.get_response(request)
        where: dict[str, Any] = {"path": settings.SESSION_COOKIE_PATH, "domain": settings.SESSION_COOKIE_DOMAIN}
        if time := _find_by_session(request):
            response.set_signed_cookie(
                COOKIE,
                time,
                salt=SALT,
                max_age=COOKIE_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
                **where,
            )
        elif COOKIE in request.COOKIES and not request.session.is_empty():
            response.delete_cookie(COOKIE, samesite="Lax", **where)
        return response


def _find_by_session(request: HttpRequest) -> str | None:
    # A session that was asked for and is not there has become empty; one that nobody asked for has not.
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key or not request.session.is_empty():
        return None
    try:
        time: str | None = _cache().get(_hashed(key))
    except Exception:
        LOG.warning("The time of an eviction could not be read from the cache", exc_info=True)
        return None
    return time


def _cache() -> BaseCache:
    return caches[CACHE_ALIAS if CACHE_ALIAS in settings.CACHES else DEFAULT_CACHE_ALIAS]


def _hashed(session_key: str) -> str:
    return f"{SALT}.{salted_hmac(SALT, session_key, algorithm='sha256').hexdigest()}"
