"""JWT cookies count only beside a live session of their own account."""

from typing import Any

import jwt
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin
from edx_rest_framework_extensions.auth.jwt.cookies import (
    jwt_cookie_header_payload_name,
    jwt_cookie_name,
    jwt_cookie_signature_name,
)

from .exemptions import is_protection_on
from .platform_receiver import take_its_place


class JwtCookieMiddleware(MiddlewareMixin):
    """
    Drops the JWT cookies of a request whose session is nobody's, or another account's.

    An evicted browser would go on using every API by them. The plugin settings put this in front of the platform's
    middleware that joins these cookies. That one does so in ``process_view``, too, for it comes before the sessions. A
    token in the ``Authorization`` header is left alone, and nothing is asked of a request without such a cookie.
    """

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        """Drop them where they do not count."""
        whole, halves = jwt_cookie_name(), (jwt_cookie_header_payload_name(), jwt_cookie_signature_name())
        sent = request.COOKIES.keys() & {whole, *halves}
        if not sent or not is_protection_on() or not take_its_place():
            return
        # Two halves go before a whole, as they do where they are joined.
        token = ".".join(request.COOKIES[half] for half in halves) if sent >= {*halves} else request.COOKIES.get(whole)
        if not request.user.is_authenticated or not _names(token, request.user.get_username()):
            for name in sent:
                del request.COOKIES[name]


def _names(token: str | None, username: str) -> bool:
    """Tell whether ``token`` is ``username``'s; whether it is genuine is asked by those who let somebody in by it."""
    try:
        claims = jwt.decode(token or "", options={"verify_signature": False})
    except (jwt.InvalidTokenError, RecursionError):
        return False
    return bool(username == (claims.get("preferred_username") or claims.get("username")))
