"""System checks: the faults and findings of the settings, in the form that a deploy pipeline knows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import DatabaseError, connections, router

from ..exemptions import GROUPS, USERNAMES, find_faults
from ..platform_receiver import take_its_place
from .findings import Finding, find_settings_findings


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """
    Report ``single_login.E001`` to ``E003`` and ``single_login.W001`` to ``W006``.

    A process never gets here with a fault: it has refused to start, with the same message and the same id. Settings
    that change in a running process, as in tests, do get here.
    """
    errors = [Error(fault.message, hint=fault.remedy, id=fault.id) for fault in find_faults()]
    return [*errors, *map(_warning, find_settings_findings())]


def check_platform(**kwargs: Any) -> list[CheckMessage]:
    """Check that logins and logouts are ours to enforce: ``single_login.E101``."""
    if take_its_place():
        return []
    return [
        Error(
            "No enforce_single_login was found to take the place of: nobody is exempt from single login.",
            hint="This platform is not one that openedx-single-login knows. Look for a release that does, or "
            "uninstall it. The platform's own protection works as it did before.",
            id="single_login.E101",
        )
    ]


def check_names(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report the configured names that match nothing, if ``databases`` holds the one where the accounts are."""
    # Imported here because it reads models, which are not there yet when the checks are registered.
    from .report import Report

    alias = router.db_for_read(get_user_model())
    if alias not in (databases or ()) or find_faults():
        return []
    try:
        return [_warning(finding) for finding in Report(using=alias).find_unmatched()]
    except DatabaseError as error:
        # ``migrate`` runs the checks of its database before it makes the tables.
        if "migrate" in sys.argv and "auth_group" not in connections[alias].introspection.table_names():
            return []
        return [
            Warning(
                f"Whether the names in {USERNAMES} and {GROUPS} match anything was not checked: {error}",
                hint="Run the check with a database account that may read users and groups, after `migrate`.",
                id="single_login.W010",
            )
        ]


def _warning(finding: Finding) -> CheckMessage:
    return Warning(finding.message, hint=finding.hint, id=finding.id)
