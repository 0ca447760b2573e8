"""JWT cookies count only beside a live session of their own account."""

from typing import Any

import jwt
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from edx_rest_framework_extensions.auth.jwt.cookies import (
    jwt_cookie_header_payload_name,
    jwt_cookie_name,
    jwt_cookie_signature_name,
)

from .exemptions import is_protection_on
from .platform_receiver import is_enforcing

DROPPED = "single_login_dropped"


class JwtCookieMiddleware(MiddlewareMixin):
    """
    Drops the JWT cookies of a request whose session is nobody's, or another account's.

    An evicted browser would go on using every API by them. The plugin settings put this in front of the platform's
    middleware that joins these cookies. That one does so in ``process_view``, too, for it comes before the sessions. A
    token in the ``Authorization`` header is left alone, and nothing is asked of a request without such a cookie.
    """

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        """Drop them where they do not count."""
        # The platform sets them in the middle of a sign-in by another site, and begins again until they come back.
        if request.resolver_match and "social" in request.resolver_match.namespaces:
            return
        whole, halves = jwt_cookie_name(), (jwt_cookie_header_payload_name(), jwt_cookie_signature_name())
        sent = request.COOKIES.keys() & {whole, *halves}
        if not sent or not is_protection_on() or not is_enforcing():
            return
        # Two halves go before a whole, as they do where they are joined.
        both = [request.COOKIES.get(half, "") for half in halves]
        token = ".".join(both) if all(both) else request.COOKIES.get(whole)
        if not request.user.is_authenticated or not _names(token, request.user.get_username()):
            request.META[DROPPED] = sent
            for name in sent:
                del request.COOKIES[name]

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """With a 401 delete them in the browser, whose micro-frontends take them for a session until they expire."""
        if response.status_code == 401:
            for name in request.META.get(DROPPED, ()):
                response.delete_cookie(name, domain=getattr(settings, "SHARED_COOKIE_DOMAIN", None))
        return response


def _names(token: str | None, username: str) -> bool:
    """Tell whether ``token`` is ``username``'s; whether it is genuine is asked by those who let somebody in by it."""
    try:
        claims = jwt.decode(token or "", options={"verify_signature": False})
    except (jwt.InvalidTokenError, RecursionError):
        return False
    return bool(username == (claims.get("preferred_username") or claims.get("username")))
