"""System checks: the faults and findings of the settings, in the form that a deploy pipeline knows."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import DatabaseError, router

from .enforcement import enforce_single_login
from .exemptions import GROUPS, USERNAMES, find_faults, is_protection_on
from .findings import Finding, find_settings_findings
from .platform_receiver import find_receiver, take_its_place
from .settings import JWT_COOKIE_MIDDLEWARE, READER_OF_JWT_COOKIES, SESSION_ENGINE, SITE_ENGINE


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """
    Report ``single_login.E001`` to ``E003`` and ``single_login.W001`` to ``W006``.

    A process never gets here with a fault: it has refused to start, with the same message and the same id. Settings
    that change in a running process, as in tests, do get here.
    """
    errors = [Error(fault.message, hint=fault.remedy, id=fault.id) for fault in find_faults()]
    return [*errors, *map(_warning, find_settings_findings())]


def check_platform(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the platform's receiver is guarded, and that nothing else exempts accounts behind the guard."""
    if not take_its_place():
        return [
            Error(
                "No enforce_single_login was found to guard: nobody is exempt from single login.",
                hint="This platform is not one that openedx-single-login knows. Look for a release that does, or "
                "uninstall it. The platform's own protection works as it did before.",
                id="single_login.E101",
            )
        ]
    if _has_exemption_of_its_own(find_receiver()):
        return [
            Warning(
                f"This platform reads {USERNAMES} and {GROUPS} too.",
                hint="openedx-single-login decides first, and enforces single login on every account that it does "
                "not exempt. Uninstall it if the platform's own exemption is all you need.",
                id="single_login.W101",
            )
        ]
    return []


def check_session_engine(**kwargs: Any) -> list[CheckMessage]:
    """Warn of a settings file that comes after the plugins' and takes out what they put in: ``W007`` and ``W008``."""
    if not is_protection_on():
        return []
    warnings: list[CheckMessage] = []
    if settings.SESSION_ENGINE != SESSION_ENGINE:
        warnings.append(
            Warning(
                f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, and not {SESSION_ENGINE!r}, which stands over the "
                "site's own: an account may be left with two live sessions.",
                hint=f"A settings file that comes after the plugins' sets it. Let that file set {SITE_ENGINE} instead, "
                "or set SESSION_ENGINE before it, as in lms.yml.",
                id="single_login.W007",
            )
        )
    middleware = list(settings.MIDDLEWARE)
    if (
        READER_OF_JWT_COOKIES in middleware
        and JWT_COOKIE_MIDDLEWARE not in middleware[: middleware.index(READER_OF_JWT_COOKIES)]
    ):
        warnings.append(
            Warning(
                f"MIDDLEWARE lacks {JWT_COOKIE_MIDDLEWARE!r}: a browser goes on using every API by its JWT cookies "
                "when its session was ended.",
                hint="A settings file that comes after the plugins' sets MIDDLEWARE. Let it name this middleware in "
                f"front of {READER_OF_JWT_COOKIES!r}, or change the list it finds.",
                id="single_login.W008",
            )
        )
    return warnings


def check_names(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report the configured names that match nothing, if ``databases`` holds the one where the accounts are."""
    # Imported here because it reads models, which are not there yet when the checks are registered.
    from .report import Report

    alias = router.db_for_read(get_user_model())
    if alias not in (databases or ()) or find_faults():
        return []
    try:
        return [_warning(finding) for finding in Report(using=alias).find_unmatched()]
    except DatabaseError:
        # ``migrate`` runs the checks of its database before there are tables.
        return []


def _warning(finding: Finding) -> CheckMessage:
    return Warning(finding.message, hint=finding.hint, id=finding.id)


def _has_exemption_of_its_own(receiver: Any) -> bool:
    """Tell whether the module that ``receiver`` is written in names one of the settings."""
    if receiver is enforce_single_login:
        return False
    try:
        source = inspect.getsource(sys.modules[receiver.__module__])
    except (OSError, TypeError):
        return False
    return USERNAMES in source or GROUPS in source
