"""The URLs of the app, which a platform puts under ``/single_login/``."""

from django.urls import path
from django.views.decorators.cache import cache_control
from django.views.generic import TemplateView

from .views import exemptions

app_name = "single_login"

# A template, because a static file would be missing until somebody runs ``collectstatic``.
stylesheet = TemplateView.as_view(template_name="single_login/exemptions.css", content_type="text/css; charset=utf-8")

urlpatterns = [
    path("exemptions/", exemptions, name="exemptions"),
    path("exemptions.css", cache_control(max_age=3600)(stylesheet), name="stylesheet"),
]
