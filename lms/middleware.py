"""What the LMS looks at before a view, or anything else, reads a request."""

from http import HTTPStatus

from django.http import HttpResponse

# By the names of their URLs. A login fits: 254 and 4 x 75 characters take at most 12 bytes each.
WITH_SMALL_BODIES = {
    "signin_user",
    "login_api",
    "logout",
    "user_api_login_session",
    "user_api_login_session_legacy",
    "redirect_to_lms_login_for_admin",
    "xqueue-login",
    "xqueue-logout",
}
MAX_BYTES = 16 * 1024


class SmallBodyMiddleware:
    """
    Refuses the body of a login or logout that is larger than any login, unread.

    Goes anywhere before the CSRF middleware, which reads it. Django reads no more than Content-Length says.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer as what comes after this does: what is refused is known in ``process_view``."""
        return self.get_response(request)

    def process_view(self, request, *view):
        """Answer 413, or 411 when there is a body and the length is missing."""
        if request.resolver_match.url_name not in WITH_SMALL_BODIES:
            return None
        if "Transfer-Encoding" in request.headers:
            return _refusal(HTTPStatus.LENGTH_REQUIRED, "Send the length of the body: Content-Length.")
        if _content_length(request) > MAX_BYTES:
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Send no more than {MAX_BYTES} bytes.")
        return None


def _content_length(request):
    try:
        return int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return float("inf")


def _refusal(status, message):
    return HttpResponse(f"{message}\n", content_type="text/plain", status=status)
