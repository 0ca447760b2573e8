"""
Tell people on the sign-in page why their session ended.

A login that evicts a session leaves its time in a cache, and the check at every request leaves the word "ended", under
a keyed hash of the session's key. Only the browser that holds that key can find it, and nobody can read a session key
from the cache. The first response to that browser removes its session cookie, so the middleware keeps the notice for
the sign-in page in a signed cookie. A session that expired leaves no notice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.cache import DEFAULT_CACHE_ALIAS, BaseCache, caches
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import SimpleLazyObject

from openedx.core.djangoapps.single_login.one_session.decision import SIGNED_IN_ELSEWHERE

LOG = logging.getLogger(__name__)

# This cache is used if it exists, else the default one. Do not put it into the database: a login would cost one more
# statement.
CACHE_ALIAS = "single_login"
COOKIE = "eviction_notice"
SALT = "single_login.eviction_notice"
COOKIE_SECONDS = 24 * 60 * 60
# The notice of a session that no login ended. Otherwise the notice is the time of the login.
ENDED = "ended"


@dataclass(frozen=True)
class Notice:
    """A session that was ended, and the time of the login that ended it, if a login did."""

    signed_in_elsewhere_at: datetime | None


def store_notice(session_key, reason, **kwargs):
    """Receive ``session_evicted`` and put the notice into the cache. If the cache fails, only the notice is lost."""
    notice = timezone.now().isoformat() if reason == SIGNED_IN_ELSEWHERE else ENDED
    try:
        # Not ``set``: a slow request may bring an evicted session back. The check then ends it once more, and must not
        # overwrite the time of the login.
        put = _cache().add if notice == ENDED else _cache().set
        put(_hash_key(session_key), notice, timeout=settings.SESSION_COOKIE_AGE)
    except Exception:
        LOG.warning("The notice of an ended session could not be written to the cache", exc_info=True)


def find_notice(request: HttpRequest) -> Notice | None:
    """Return the notice for this browser, or None if its session was not ended."""
    notice = _find_by_session(request) or request.get_signed_cookie(COOKIE, None, salt=SALT, max_age=COOKIE_SECONDS)
    if not notice:
        return None
    return Notice(None if notice == ENDED else datetime.fromisoformat(notice))


def eviction_notice(request: HttpRequest) -> dict[str, Any]:
    """Context processor: give templates ``eviction_notice``, looked up when it is used, and whom people can ask."""
    return {
        "eviction_notice": SimpleLazyObject(lambda: find_notice(request)),
        "support_link": getattr(settings, "SUPPORT_SITE_LINK", None),
        "support_email": getattr(settings, "TECH_SUPPORT_EMAIL", None),
    }


class EvictionNoticeMiddleware:
    """
    Keeps the notice in a signed cookie until somebody signs in.

    Stands before the session middleware, to see the session as it is after the request. Asks the cache only if a
    request has the cookie of a session that no longer exists.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and set or delete the signed cookie if needed."""
        response = self.get_response(request)
        attributes: dict[str, Any] = {
            "path": settings.SESSION_COOKIE_PATH,
            "domain": settings.SESSION_COOKIE_DOMAIN,
            "samesite": settings.SESSION_COOKIE_SAMESITE,
        }
        if notice := _find_by_session(request):
            response.set_signed_cookie(
                COOKIE,
                notice,
                salt=SALT,
                max_age=COOKIE_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                **attributes,
            )
        elif COOKIE in request.COOKIES and request.session.accessed and SESSION_KEY in request.session:
            response.delete_cookie(COOKIE, **attributes)
        return response


def _find_by_session(request: HttpRequest) -> str | None:
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    session = request.session
    # A session that no longer exists loads empty, without its key or, with some engines, under a new one.
    if not key or not session.accessed or SESSION_KEY in session or session.session_key == key:
        return None
    try:
        notice: str | None = _cache().get(_hash_key(key))
    except Exception:
        LOG.warning("The notice of an ended session could not be read from the cache", exc_info=True)
        return None
    return notice


def _cache() -> BaseCache:
    return caches[CACHE_ALIAS if CACHE_ALIAS in settings.CACHES else DEFAULT_CACHE_ALIAS]


def _hash_key(session_key: str) -> str:
    return f"{SALT}.{salted_hmac(SALT, session_key, algorithm='sha256').hexdigest()}"
