"""The sign-in page."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from openedx.core.djangoapps.user_authn.attempts import sign_in
from openedx.core.djangoapps.user_authn.exceptions import AuthFailedError
from openedx.core.djangoapps.user_authn.forms import LoginForm
from openedx.core.djangoapps.user_authn.views.login import API_V2, COLUMNS


@never_cache
@sensitive_post_parameters("password")
@ensure_csrf_cookie
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def login_and_registration_form(request):
    """Show the sign-in page. A POST signs in and redirects to ``next``."""
    target = get_next_url(request)
    if request.method != "POST":
        if request.user.is_authenticated:
            return HttpResponseRedirect(target)
        return _page(request, LoginForm(), target)
    form, status = LoginForm(request.POST), HTTPStatus.BAD_REQUEST
    if form.is_valid():
        try:
            sign_in(request, form.cleaned_data["email_or_username"], form.cleaned_data["password"], COLUMNS[API_V2])
        except AuthFailedError as refusal:
            form.add_error(None, refusal.value)
            status = refusal.status
        else:
            return HttpResponseRedirect(target)
    form.tie_to_message("login-error")
    return _page(request, form, target, status)


def get_next_url(request):
    """Return the URL to go to after signing in: ``next`` if it is a page of this site, else the dashboard."""
    target = request.POST.get("next", request.GET.get("next"))
    is_safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_safe else resolve_url(settings.LOGIN_REDIRECT_URL)


def _page(request, form, target, status=200):
    return render(request, "user_authn/login.html", {"form": form, "next": target}, status=status)
