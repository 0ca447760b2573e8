"""Signing in: the decision about a pair of credentials, and the endpoints that take one."""

import logging
import unicodedata

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login
from django.core.exceptions import MultipleObjectsReturned
from django.db.models import Q
from django.http import JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from openedx.core.djangoapps.user_authn.exceptions import AuthFailedError
from openedx.core.djangoapps.user_authn.forms import LoginForm, describe
from openedx.core.djangoapps.user_authn.ratelimit import is_login_limited

AUDIT_LOG = logging.getLogger("audit")

API_V1, API_V2 = "v1", "v2"
IDENTIFIER_FIELD = {API_V1: "email", API_V2: "email_or_username"}
SESSION_SECONDS = 4 * 7 * 24 * 60 * 60


def sign_in(request, identifier, password, by_username=True):
    """
    Sign the account of ``identifier`` in, for four weeks.

    ``identifier`` is an e-mail address, or a username as well when ``by_username`` is set.

    Returns the user. Raises AuthFailedError when the attempt is refused.
    """
    if not identifier or not password:
        raise AuthFailedError(_("There was an error receiving your login information. Please try again."))
    if is_login_limited(request, identifier):
        raise AuthFailedError(_("Too many failed login attempts. Try again later."))
    user = _authenticated(request, _find_user(identifier, by_username), unicodedata.normalize("NFKC", password))
    if user is None:
        _log_failure(identifier)
        raise AuthFailedError(_("Email or password is incorrect."), "incorrect-email-or-password")
    if not user.is_active:
        _log_failure(identifier)
        raise AuthFailedError(_("Your account is not active. Please contact support."), "inactive-user")
    login(request, user)
    request.session.set_expiry(SESSION_SECONDS)
    return user


def _find_user(identifier, by_username):
    wanted = Q(email=identifier)
    if by_username:
        wanted |= Q(username=identifier)
    users = get_user_model().objects
    try:
        return users.get(wanted)
    except (users.model.DoesNotExist, MultipleObjectsReturned):
        return None


def _authenticated(request, user, password):
    """
    Return ``user`` if the password is right, else None. Every path hashes exactly one password.

    The backend refuses an inactive account whatever its password, so that one is checked here.
    """
    if user is not None and not user.is_active:
        return user if user.check_password(password) else None
    # An empty username belongs to nobody: the backend then hashes the password for nothing, on purpose.
    return authenticate(request, username=user.get_username() if user else "", password=password)


def _log_failure(identifier):
    if settings.FEATURES["SQUELCH_PII_IN_LOGS"]:
        AUDIT_LOG.warning("Login failed - Unknown user or incorrect password")
    else:
        AUDIT_LOG.warning("Login failed - Unknown user or incorrect password - %r", identifier)


def _answer(request, api_version):
    field = IDENTIFIER_FIELD[api_version]
    identifier = request.POST.get(field)
    try:
        sign_in(request, identifier, request.POST.get("password"), by_username=api_version == API_V2)
    except AuthFailedError as refusal:
        return JsonResponse({**refusal.get_response(), "email": identifier}, status=400)
    return JsonResponse({"success": True, "redirect_url": None})


@never_cache
@sensitive_post_parameters("password")
@ensure_csrf_cookie
@csrf_protect
@require_POST
def login_user(request):
    """``/login_ajax``: sign in with ``email`` and ``password``; the answer is JSON, 200 or 400."""
    return _answer(request, API_V1)


@method_decorator([never_cache, sensitive_post_parameters("password"), ensure_csrf_cookie, csrf_protect], "dispatch")
class LoginSessionView(View):
    """The login API: GET describes the form, POST signs in; the answer is JSON."""

    def get(self, request, api_version):
        """Describe the login form, and set the CSRF cookie."""
        url = reverse("user_api_login_session", kwargs={"api_version": api_version})
        names = {"email_or_username": IDENTIFIER_FIELD[api_version]}
        return JsonResponse(describe(LoginForm, "post", url, names))

    def post(self, request, api_version):
        """Sign in with ``email`` (v1) or ``email_or_username`` (v2), and ``password``."""
        return _answer(request, api_version)
