"""JWT cookies count only beside a live session."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .exemptions import is_protection_on

NAMES = ("JWT_AUTH_COOKIE", "JWT_AUTH_COOKIE_HEADER_PAYLOAD", "JWT_AUTH_COOKIE_SIGNATURE")


class JwtCookieMiddleware:
    """
    Drops the JWT cookies of a request whose session is nobody's: an evicted browser would go on using every API.

    The plugin settings put it in front of the middleware that reads these cookies. A token in the ``Authorization``
    header is left alone. The session is asked only when a request has such a cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        jwt_auth = getattr(settings, "JWT_AUTH", {})
        self.names = {jwt_auth[name] for name in NAMES if jwt_auth.get(name)}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Drop them where they do not count, and go on."""
        sent = self.names & request.COOKIES.keys()
        if sent and is_protection_on() and SESSION_KEY not in request.session:
            for name in sent:
                del request.COOKIES[name]
        return self.get_response(request)
