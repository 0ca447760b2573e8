"""The login endpoints, which answer JSON."""

from django.http import JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from openedx.core.djangoapps.user_authn.attempts import sign_in
from openedx.core.djangoapps.user_authn.exceptions import AuthFailedError
from openedx.core.djangoapps.user_authn.forms import describe_login_form

API_V1, API_V2 = "v1", "v2"
IDENTIFIER_FIELD = {API_V1: "email", API_V2: "email_or_username"}
# The columns of an account that may hold the identifier.
COLUMNS = {API_V1: ["email"], API_V2: ["email", "username"]}


@never_cache
@sensitive_post_parameters("password")
@ensure_csrf_cookie
@csrf_protect
@require_POST
def login_user(request):
    """Sign in with ``email`` and ``password``. Answer 200, 400 or 503."""
    return _answer(request, API_V1)


@method_decorator([never_cache, sensitive_post_parameters("password"), ensure_csrf_cookie, csrf_protect], "dispatch")
class LoginSessionView(View):
    """The login API."""

    def get(self, request, api_version):
        """Describe the login form, and set the CSRF cookie."""
        url = reverse("user_api_login_session", kwargs={"api_version": api_version})
        names = {"email_or_username": IDENTIFIER_FIELD[api_version]}
        return JsonResponse(describe_login_form(url, names))

    def post(self, request, api_version):
        """Sign in with ``email`` (v1) or ``email_or_username`` (v2), and ``password``. Answer 200, 400 or 503."""
        return _answer(request, api_version)


def _answer(request, api_version):
    identifier = request.POST.get(IDENTIFIER_FIELD[api_version])
    try:
        sign_in(request, identifier, request.POST.get("password"), COLUMNS[api_version])
    except AuthFailedError as refusal:
        return JsonResponse({**refusal.get_response(), "email": identifier}, status=refusal.status)
    # Clients of the platform's API read the second field.
    return JsonResponse({"success": True, "redirect_url": None})
