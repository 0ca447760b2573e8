"""The login path as a Django app."""

from django.apps import AppConfig


class UserAuthnConfig(AppConfig):
    """Login and logout: views, URLs, templates."""

    name = "openedx.core.djangoapps.user_authn"
