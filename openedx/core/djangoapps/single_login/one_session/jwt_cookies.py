"""
Let JWT cookies count only together with a session of the same account that is accepted.

Imports ``jwt`` and ``edx_rest_framework_extensions``, which a platform with JWT cookies has. Nothing else imports it.
"""

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

from ..exemptions import is_protection_on
from ..guard import is_guard_in_place


class JwtCookieMiddleware(MiddlewareMixin):
    """
    Removes JWT cookies from a request without an accepted session of the same account.

    With them, an evicted browser could go on using every API. The plugin settings put this before the platform's
    middleware, which joins the two halves of a cookie in ``process_view``. A token in the ``Authorization`` header is
    not touched. A request without JWT cookies costs nothing.
    """

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        """Remove JWT cookies from a request without an accepted session."""
        # Third-party sign-in: the platform sets the cookies before it signs in, and starts again if they are missing.
        if request.resolver_match and "social" in request.resolver_match.namespaces:
            return
        whole, halves = jwt_cookie_name(), (jwt_cookie_header_payload_name(), jwt_cookie_signature_name())
        sent = request.COOKIES.keys() & {whole, *halves}
        if not sent or not is_protection_on() or not is_guard_in_place():
            return
        # The platform prefers the two halves to a whole cookie.
        both = [request.COOKIES.get(half, "") for half in halves]
        token = ".".join(both) if all(both) else request.COOKIES.get(whole)
        if not request.user.is_authenticated or not _is_for(token, request.user.get_username()):
            request.removed_jwt_cookies = sent  # type: ignore[attr-defined]
            for name in sent:
                del request.COOKIES[name]

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """With a 401, delete the removed cookies in the browser, where micro-frontends take them for a session."""
        if response.status_code == 401:
            for name in getattr(request, "removed_jwt_cookies", ()):
                response.delete_cookie(name, domain=getattr(settings, "SHARED_COOKIE_DOMAIN", None))
        return response


def _is_for(token: str | None, username: str) -> bool:
    """Tell whether ``token`` is for ``username``. The platform verifies its signature."""
    try:
        claims = jwt.decode(token or "", options={"verify_signature": False})
    except (jwt.InvalidTokenError, RecursionError):
        return False
    return bool(username == (claims.get("preferred_username") or claims.get("username")))
