"""The logout."""

from django.contrib.auth import logout
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods


@never_cache
@require_http_methods(["GET", "POST"])
def logout_user(request):
    """End the session, and show a page that says so."""
    logout(request)
    return render(request, "user_authn/logout.html")
