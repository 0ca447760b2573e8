"""JWT cookies count only beside a live session."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin
from edx_rest_framework_extensions.auth.jwt.cookies import (
    jwt_cookie_header_payload_name,
    jwt_cookie_name,
    jwt_cookie_signature_name,
)

from .exemptions import is_protection_on

NAMES = (jwt_cookie_name, jwt_cookie_header_payload_name, jwt_cookie_signature_name)


class JwtCookieMiddleware(MiddlewareMixin):
    """
    Drops the JWT cookies of a request that nobody is signed in with: an evicted browser would go on using every API.

    The plugin settings put it in front of the platform's middleware that joins these cookies. That one does so in
    ``process_view``, too, for it comes before the sessions. A token in the ``Authorization`` header is left alone, and
    nothing is asked of a request without such a cookie.
    """

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        """Drop them where they do not count."""
        sent = {name() for name in NAMES}.intersection(request.COOKIES)
        if sent and is_protection_on() and not request.user.is_authenticated:
            for name in sent:
                del request.COOKIES[name]
