"""Apps that make the stand-in a platform that the wheel does not know. FLAGS names one of them as LAST_APP."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out


class UnlikeConfig(AppConfig):
    """The last app, whose models are imported after all others'."""

    name = "unlike"

    def import_models(self):
        """Change the platform before any app is ready."""
        super().import_models()
        from common.djangoapps.student import models

        self.change(models)


class WithoutMethodConfig(UnlikeConfig):
    """The receiver calls a method with another name."""

    def change(self, models):
        """Rename the method, and connect another receiver of the same name."""
        profile_model, older_receiver = models.UserProfile, models.enforce_single_login
        profile_model.record_session = profile_model.set_login_session
        del profile_model.set_login_session

        def enforce_single_login(user, request, signal, **kwargs):
            profile_model.objects.get_or_create(user=user, defaults={"name": user.username})
            user.profile.record_session(request.session.session_key if signal is user_logged_in else None)

        models.enforce_single_login = enforce_single_login
        for signal in (user_logged_in, user_logged_out):
            signal.disconnect(older_receiver)
            signal.connect(enforce_single_login, weak=False)


class DisconnectedConfig(UnlikeConfig):
    """The receiver is connected to no signal."""

    def change(self, models):
        """Disconnect the receiver."""
        for signal in (user_logged_in, user_logged_out):
            signal.disconnect(models.enforce_single_login)


class WithoutReceiverConfig(UnlikeConfig):
    """There is no receiver. The signals hold its dead reference until Django clears it."""

    def change(self, models):
        """Delete the receiver."""
        del models.enforce_single_login, models.user.enforce_single_login


class OneSignalConfig(UnlikeConfig):
    """The receiver is connected to one of the signals."""

    def change(self, models):
        """Disconnect the receiver from the other one."""
        user_logged_out.disconnect(models.enforce_single_login)
