"""The app: it reads its settings when the process starts, so that a faulty one stops it there."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import AppConfig

from .exemptions import get_exemptions


class SingleLoginConfig(AppConfig):
    """Found here under its dotted path, and under another where it is installed from the wheel."""

    name = __name__.rpartition(".")[0]
    label = "single_login"
    verbose_name = "Single login"
    plugin_app: ClassVar[dict[str, Any]] = {}

    def ready(self) -> None:
        """
        Read the exemptions.

        Raises:
            ImproperlyConfigured: when a setting is faulty; the message names every fault.
        """
        get_exemptions()
