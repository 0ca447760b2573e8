"""The URLs of the LMS."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from edx_django_utils.plugins import get_plugin_url_patterns

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="dashboard"), name="root"),
    path("", include("common.djangoapps.student.urls")),
    path("", include("openedx.core.djangoapps.heartbeat.urls")),
    path("", include("openedx.core.djangoapps.user_authn.urls")),
    path("single_login/", include("openedx.core.djangoapps.single_login.operators.urls")),
    path("admin/", admin.site.urls),
    path("xqueue/", include("submissions.urls")),
    *get_plugin_url_patterns("lms.djangoapp"),
]
