"""The app: it reads its settings when the process starts, so that a faulty one stops it there."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import AppConfig
from django.core.checks import Tags, register

from .exemptions import get_exemptions

URLS = {"namespace": "single_login", "app_name": "single_login", "regex": r"^single_login/", "relative_path": "urls"}


class SingleLoginConfig(AppConfig):
    """Found here under its dotted path, and under another where it is installed from the wheel."""

    name = __name__.rpartition(".")[0]
    label = "single_login"
    verbose_name = "Single login"
    plugin_app: ClassVar[dict[str, Any]] = {
        "url_config": {"lms.djangoapp": dict(URLS), "cms.djangoapp": dict(URLS)},
    }

    def ready(self) -> None:
        """
        Read the exemptions, and register the system checks.

        Raises:
            ImproperlyConfigured: when a setting is faulty; the message names every fault.
        """
        # This module may be imported while the settings are being read; the checks need them.
        from .checks import check_names, check_settings

        get_exemptions()
        register(check_settings, self.label)
        register(check_names, self.label, Tags.database)
