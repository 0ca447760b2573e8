"""Signing in and out, and something that needs a session."""

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.urls import path
from edx_django_utils.plugins import get_plugin_url_patterns


def login_user(request):
    """Sign in with ``email`` and ``password``."""
    account = get_user_model().objects.filter(email=request.POST["email"]).first()
    user = authenticate(request, username=account and account.username, password=request.POST["password"])
    if user is None:
        return JsonResponse({"success": False}, status=400)
    login(request, user)
    return JsonResponse({"success": True})


def logout_user(request):
    """Sign out."""
    logout(request)
    return HttpResponse("Signed out.")


@login_required
def dashboard(request):
    """Greet somebody who is signed in."""
    return HttpResponse(request.user.username)


urlpatterns = [
    path("login_ajax", login_user),
    path("logout", logout_user),
    path("dashboard", dashboard),
    *get_plugin_url_patterns(settings.PROJECT),
]
