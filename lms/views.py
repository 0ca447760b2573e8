"""The views of the LMS itself."""

from http import HTTPStatus

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import PermissionDenied
from django.http import JsonResponse
from django.urls import reverse
from django.views import defaults
from django.views.decorators.cache import never_cache

from lms.middleware import LOGIN_API


@never_cache
def redirect_to_lms_login_for_admin(request):
    """
    Redirect to the sign-in page, and from there to ``next``.

    A user who is signed in and may not see the admin gets a 403. A redirect would lead them back here.
    """
    if request.user.is_authenticated and not admin.site.has_permission(request):
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", reverse("admin:index")))


def bad_request(request, exception):
    """
    Answer 400 in the form of the endpoint: JSON from an API, a page from any other.

    A login also ends here if a later login of the account ended its session before it was answered.
    """
    match = request.resolver_match
    endpoint = (match and match.url_name) or ""
    if isinstance(exception, SessionInterrupted):
        code, message = "session-interrupted", "This session was ended while the request ran. Please sign in again."
    else:
        code, message = "bad-request", "The request is malformed."
    if endpoint in LOGIN_API:
        answer = {"success": False, "value": message, "error_code": code}
    elif endpoint.startswith("xqueue-"):
        answer = {"return_code": 1, "content": message, "error_code": code}
    else:
        return defaults.bad_request(request, exception)
    return JsonResponse(answer, status=HTTPStatus.BAD_REQUEST)
