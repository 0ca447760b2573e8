"""The middleware that keeps an evicted session from coming back."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from . import session_slot


class SingleLoginMiddleware:
    """
    A request that is still under way when its session is evicted may save that session late: it gives way then.

    Goes anywhere after the session middleware. It costs nothing on a request that saves no session, and one statement
    on a request that does. Without it, login requests alone give way.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Watch over the session, and go on."""
        session_slot.yield_to_later_logins(request.session)
        return self.get_response(request)
