"""The URLs of the LMS."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from edx_django_utils.plugins import get_plugin_url_patterns

from lms.views import redirect_to_lms_login_for_admin

handler400 = "lms.views.bad_request"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="dashboard"), name="root"),
    # Browsers ask for it on pages that name no icon, such as those of the admin.
    path("favicon.ico", RedirectView.as_view(url=static("lms/favicon.svg"))),
    path("", include("common.djangoapps.student.urls")),
    path("", include("openedx.core.djangoapps.heartbeat.urls")),
    path("", include("openedx.core.djangoapps.user_authn.urls")),
    path("single_login/", include("openedx.core.djangoapps.single_login.operators.urls")),
    path("admin/login/", redirect_to_lms_login_for_admin, name="redirect_to_lms_login_for_admin"),
    path("admin/", admin.site.urls),
    path("xqueue/", include("lms.xqueue")),
    *get_plugin_url_patterns("lms.djangoapp"),
]
