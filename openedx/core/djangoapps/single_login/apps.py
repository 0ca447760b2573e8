"""App configuration: validate the settings at start-up, put the guard in its place, register the system checks."""

from typing import Any, ClassVar

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core.checks import Tags, register

URLS = {
    "namespace": "single_login",
    "app_name": "single_login",
    "regex": r"^single_login/",
    "relative_path": "operators.urls",
}
# Not "common", which runs before the operator's file is read.
SETTINGS = {name: {"relative_path": "settings"} for name in ("production", "devstack", "test")}


class SingleLoginConfig(AppConfig):
    """The app ``single_login``. Its dotted path here and in the wheel differ, so the name is computed."""

    name = __name__.rpartition(".")[0]
    label = "single_login"
    verbose_name = "Single login"
    plugin_app: ClassVar[dict[str, Any]] = {
        "url_config": {"lms.djangoapp": dict(URLS), "cms.djangoapp": dict(URLS)},
        "settings_config": {"lms.djangoapp": dict(SETTINGS), "cms.djangoapp": dict(SETTINGS)},
    }

    def ready(self) -> None:
        """
        Validate the settings, guard the platform or replace its receiver, and register the system checks.

        Raises:
            ImproperlyConfigured: a setting is faulty. The message names every fault.
        """
        # Django imports this module while it reads the settings, which these modules need.
        from .audit import audit_exempt_login
        from .exemptions import get_exemptions, is_every_request_checked
        from .guard import guard_platform
        from .one_session.platform_receiver import replace_platform_receiver
        from .operators.checks import check_accounts, check_settings

        get_exemptions()
        if is_every_request_checked():
            replace_platform_receiver()
        else:
            guard_platform()
        # Connected after the platform's receivers. If one of them raises, no line is written.
        user_logged_in.connect(audit_exempt_login)
        register(check_settings, self.label, Tags.security)
        register(check_accounts, self.label, Tags.database)
