"""The views of the LMS itself."""

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.views.decorators.cache import never_cache


@never_cache
def redirect_to_lms_login_for_admin(request):
    """
    Redirect to the sign-in page, and from there to ``next``.

    A user who is signed in and may not see the admin gets a 403. A redirect would lead them back here.
    """
    if request.user.is_authenticated and not admin.site.has_permission(request):
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", reverse("admin:index")))
