"""System checks: what ``./manage.py lms check`` says about single login."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from django.core import checks

from .exemptions import GROUPS, USERNAMES
from .guard import Guard
from .platform_receiver import find_receiver, guard_receiver


def check_platform(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Check that the platform's receiver is guarded, and that nothing else exempts accounts behind the guard."""
    if not guard_receiver():
        return [
            checks.Error(
                "No enforce_single_login was found to guard: nobody is exempt from single login.",
                hint="This platform is not one that openedx-single-login knows. Look for a release that does, or "
                "uninstall it. The platform's own protection works as it did before.",
                id="single_login.E101",
            )
        ]
    if _has_exemption_of_its_own(find_receiver()):
        return [
            checks.Warning(
                f"This platform reads {USERNAMES} and {GROUPS} too.",
                hint="openedx-single-login decides first, and enforces single login on every account that it does "
                "not exempt. Uninstall it if the platform's own exemption is all you need.",
                id="single_login.W101",
            )
        ]
    return []


def _has_exemption_of_its_own(receiver: Any) -> bool:
    """Tell whether the module that ``receiver`` is written in names one of the settings."""
    if isinstance(receiver, Guard):
        return False
    try:
        source = inspect.getsource(sys.modules[receiver.__module__])
    except (OSError, TypeError):
        return False
    return USERNAMES in source or GROUPS in source
