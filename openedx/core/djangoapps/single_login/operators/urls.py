"""The URLs of the app, which a platform puts under ``/single_login/``."""

from __future__ import annotations

from django.urls import path

from .views import exemptions, stylesheet

app_name = "single_login"

urlpatterns = [
    path("exemptions/", exemptions, name="exemptions"),
    path("exemptions.css", stylesheet, name="stylesheet"),
]
