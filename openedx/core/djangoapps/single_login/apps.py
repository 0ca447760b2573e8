"""The app: when the process starts it reads its settings, so that a faulty one stops it there, and sets its guard."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import AppConfig
from django.core.checks import register

from .exemptions import get_exemptions


class SingleLoginConfig(AppConfig):
    """Found here under its dotted path, and under another where it is installed from the wheel."""

    name = __name__.rpartition(".")[0]
    label = "single_login"
    verbose_name = "Single login"
    plugin_app: ClassVar[dict[str, Any]] = {}

    def ready(self) -> None:
        """
        Read the exemptions, and put the guard in front of the platform's receiver.

        Raises:
            ImproperlyConfigured: when a setting is faulty; the message names every fault.
        """
        # This module is imported while settings are being read; these two need them.
        from .checks import check_platform
        from .platform_receiver import guard_receiver

        get_exemptions()
        guard_receiver()
        register(check_platform)
