"""An app that connects the platform's receiver later than a platform does."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out


class LateConfig(AppConfig):
    """The app stands after the plugins."""

    name = "late"

    def import_models(self):
        """Hide the receiver until this app is ready."""
        super().import_models()
        from common.djangoapps.student.models import enforce_single_login

        self.receiver = enforce_single_login
        for signal in (user_logged_in, user_logged_out):
            signal.disconnect(self.receiver)

    def ready(self):
        """Connect the receiver."""
        for signal in (user_logged_in, user_logged_out):
            signal.connect(self.receiver)
