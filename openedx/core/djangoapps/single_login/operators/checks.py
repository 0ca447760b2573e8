"""The system checks, which a deploy pipeline runs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Warning  # noqa: A004
from django.db import DatabaseError, connections, router

from ..exemptions import GROUPS, USERNAMES
from .findings import find_settings_findings
from .report import Report


def check_settings(**kwargs: Any) -> Iterable[CheckMessage]:
    """Report ``single_login.W001`` to ``W009``. With a faulty setting, no process comes this far."""
    return [finding.as_check_message() for finding in find_settings_findings()]


def check_accounts(databases: Sequence[str] | None = None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Report ``single_login.W010`` to ``W016``, if ``databases`` holds the one where the accounts are."""
    alias = router.db_for_read(get_user_model())
    if alias not in (databases or ()):
        return []
    try:
        return [finding.as_check_message() for finding in Report(using=alias).find_in_database()]
    except DatabaseError as error:
        # ``migrate`` runs the system checks of its database before it makes the tables.
        if "migrate" in sys.argv and "auth_group" not in connections[alias].introspection.table_names():
            return []
        message = f"Whether the names in {USERNAMES} and {GROUPS} match anything was not checked: {error}"
        hint = (
            "Correct what the error says and run `check` again. It needs the tables that `migrate` creates, and a "
            "database account that may read users and groups."
        )
        return [Warning(message, hint=hint, id="single_login.W010")]
