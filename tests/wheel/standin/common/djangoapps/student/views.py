"""Views: login, logout, a page that needs a session, and an API that takes a session or a JWT."""

import time

import jwt
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login, logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import include, path
from edx_django_utils.plugins import get_plugin_url_patterns
from edx_rest_framework_extensions.auth.jwt.authentication import JwtAuthentication
from edx_rest_framework_extensions.auth.jwt.cookies import jwt_cookie_header_payload_name, jwt_cookie_signature_name
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView


def login_user(request):
    """Sign in with ``email`` and ``password``, and set JWT cookies, which are valid for an hour."""
    account = get_user_model().objects.filter(email=request.POST["email"]).first()
    user = authenticate(request, username=account and account.username, password=request.POST["password"])
    if user is None:
        return JsonResponse({"success": False}, status=400)
    login(request, user)
    return with_jwt_cookies(JsonResponse({"success": True}), user)


def complete(request, backend):
    """Finish a login through another site: set the JWT cookies, redirect, and sign in when the browser sends them."""
    user = get_user_model().objects.get()
    if not {jwt_cookie_header_payload_name(), jwt_cookie_signature_name()} <= request.COOKIES.keys():
        return with_jwt_cookies(HttpResponseRedirect(request.path), user)
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect("/dashboard")


def with_jwt_cookies(response, user):
    """Return ``response`` with a token for ``user`` in two cookies."""
    payload, _, signature = create_jwt(user).rpartition(".")
    response.set_cookie(jwt_cookie_header_payload_name(), payload)
    response.set_cookie(jwt_cookie_signature_name(), signature)
    return response


def create_jwt(user):
    """Return a token for ``user``."""
    (issuer,) = settings.JWT_AUTH["JWT_ISSUERS"]
    now = int(time.time())
    claims = {"iss": issuer["ISSUER"], "aud": issuer["AUDIENCE"], "iat": now, "exp": now + 3600}
    return jwt.encode({**claims, "preferred_username": user.username}, issuer["SECRET_KEY"], "HS256")


def logout_user(request):
    """Sign out."""
    logout(request)
    response = HttpResponse("Signed out.")
    response.delete_cookie(jwt_cookie_header_payload_name())
    response.delete_cookie(jwt_cookie_signature_name())
    return response


@login_required
def dashboard(request):
    """Answer 200 to a user who is signed in."""
    return HttpResponse(request.user.username)


class Me(APIView):
    """An API, with the platform's authentication."""

    authentication_classes = (JwtAuthentication, SessionAuthentication)
    permission_classes = (IsAuthenticated,)

    def get(self, request):
        """Return the username."""
        return Response({"username": request.user.username})


urlpatterns = [
    path("login_ajax", login_user),
    path("logout", logout_user),
    path("auth/", include(([path("complete/<backend>/", complete)], "social"))),
    path("dashboard", dashboard),
    path("api/user/v1/me", Me.as_view()),
    path("admin/password_change/", PasswordChangeView.as_view(success_url="/dashboard")),
    *get_plugin_url_patterns(settings.PROJECT),
]
