"""The middleware of the LMS."""

from http import HTTPStatus

from django.http import HttpResponse

# The names of the URLs of the login API, and of all logins and logouts.
LOGIN_API = {"login_api", "user_api_login_session", "user_api_login_session_legacy"}
LOGIN_URL_NAMES = {
    *LOGIN_API,
    "signin_user",
    "logout",
    "redirect_to_lms_login_for_admin",
    "xqueue-login",
    "xqueue-logout",
}
# Enough for the longest login: 254 and 4 x 75 characters, each of them up to 12 bytes in a form.
MAX_BYTES = 16 * 1024


class SmallBodyMiddleware:
    """
    Refuses a login or logout whose body is larger than any login, without reading the body.

    Stands before the CSRF middleware, which reads the body. Django never reads more than Content-Length.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Pass the request on. The URL is known only in ``process_view``."""
        return self.get_response(request)

    def process_view(self, request, *view):
        """Answer 413 if the body is too large, or 411 if its length is unknown."""
        if request.resolver_match.url_name not in LOGIN_URL_NAMES:
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
