"""The login path as a Django app."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from openedx.core.djangoapps.user_authn.checks import check_client_address, check_client_address_deployed


class UserAuthnConfig(AppConfig):
    """App configuration: register the system checks."""

    name = "openedx.core.djangoapps.user_authn"

    def ready(self):
        """Register the system checks."""
        register(check_client_address, Tags.security)
        register(check_client_address_deployed, Tags.security, deploy=True)
