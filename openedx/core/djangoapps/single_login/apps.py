"""App configuration: validate the settings at start-up, replace the platform's receiver, register the checks."""

from typing import Any, ClassVar

from django.apps import AppConfig
from django.core.checks import Tags, register

from .exemptions import get_exemptions

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
        Validate the settings, replace the platform's receiver, and register the system checks.

        Raises:
            ImproperlyConfigured: a setting is faulty. The message names every fault.
        """
        # Django imports this module while it reads the settings, which these modules need.
        from .operators.checks import check_names, check_platform, check_settings
        from .platform_receiver import replace_platform_receiver

        get_exemptions()
        replace_platform_receiver()
        register(check_settings, self.label, Tags.security)
        register(check_platform, self.label, Tags.security)
        register(check_names, self.label, Tags.database)
