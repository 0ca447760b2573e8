"""The login path as a Django app."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from openedx.core.djangoapps.user_authn import checks


class UserAuthnConfig(AppConfig):
    """App configuration: register the system checks."""

    name = "openedx.core.djangoapps.user_authn"

    def ready(self):
        """Register the system checks."""
        register(checks.check_client_address, Tags.security)
        register(checks.check_client_address_deployed, Tags.security, deploy=True)
        register(checks.check_password_hasher, Tags.security, deploy=True)
        register(checks.check_support_address, Tags.security, deploy=True)
        register(checks.check_telemetry)
