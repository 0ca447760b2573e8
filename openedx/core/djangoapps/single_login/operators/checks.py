"""The system checks, which a deploy pipeline runs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import DatabaseError, connections, router

from ..exemptions import GROUPS, USERNAMES, find_faults
from ..platform_receiver import is_enforcing
from .findings import find_settings_findings
from .report import Report


def check_settings(**kwargs: Any) -> Iterable[CheckMessage]:
    """Report ``single_login.E001`` to ``E003``, with which no process starts, or else ``W001`` to ``W008``."""
    return find_faults() or [finding.as_check_message() for finding in find_settings_findings()]


def check_platform(**kwargs: Any) -> Iterable[CheckMessage]:
    """Check that logins and logouts reach our receiver: ``single_login.E101``."""
    if is_enforcing():
        return []
    message = "The platform's enforce_single_login was not found and not replaced: nobody is exempt from single login."
    hint = "Install a release of openedx-single-login that supports this platform. Until then its own protection works."
    return [Error(message, hint=hint, id="single_login.E101")]


def check_names(databases: Sequence[str] | None = None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Report the configured names that match nothing, if ``databases`` holds the one where the accounts are."""
    alias = router.db_for_read(get_user_model())
    if alias not in (databases or ()) or find_faults():
        return []
    try:
        return [finding.as_check_message() for finding in Report(using=alias).find_unmatched()]
    except DatabaseError as error:
        # ``migrate`` runs the checks of its database before it makes the tables.
        if "migrate" in sys.argv and "auth_group" not in connections[alias].introspection.table_names():
            return []
        message = f"Whether the names in {USERNAMES} and {GROUPS} match anything was not checked: {error}"
        hint = "Run the check with a database account that may read users and groups, after `migrate`."
        return [Warning(message, hint=hint, id="single_login.W010")]
