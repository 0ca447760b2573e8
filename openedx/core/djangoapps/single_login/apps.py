"""The app: when the process starts it reads its settings, so that a faulty one stops it there, and takes its place."""

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
# Not "common": that runs before the operator's file is read.
SETTINGS = {name: {"relative_path": "settings"} for name in ("production", "devstack", "test")}


class SingleLoginConfig(AppConfig):
    """Found here under its dotted path, and under another where it is installed from the wheel."""

    name = __name__.rpartition(".")[0]
    label = "single_login"
    verbose_name = "Single login"
    plugin_app: ClassVar[dict[str, Any]] = {
        "url_config": {"lms.djangoapp": dict(URLS), "cms.djangoapp": dict(URLS)},
        "settings_config": {"lms.djangoapp": dict(SETTINGS), "cms.djangoapp": dict(SETTINGS)},
    }

    def ready(self) -> None:
        """
        Read the exemptions, take the place of the platform's receiver, and register the system checks.

        Raises:
            ImproperlyConfigured: when a setting is faulty; the message names every fault.
        """
        # This module is imported while the settings are being read, and what these import needs them.
        from .operators.checks import check_names, check_platform, check_settings
        from .platform_receiver import take_its_place

        get_exemptions()
        take_its_place()
        register(check_settings, self.label, Tags.security)
        register(check_platform, self.label, Tags.security)
        register(check_names, self.label, Tags.database)
