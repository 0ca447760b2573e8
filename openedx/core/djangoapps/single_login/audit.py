"""Audit lines, monitoring attributes and the signal ``session_evicted``. Session keys never reach a log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edx_django_utils.monitoring import set_custom_attribute

from .exemptions import USERNAMES, Rule, is_pii_squelched
from .signals import session_evicted

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

LOG = logging.getLogger(__name__)
AUDIT_LOG = logging.getLogger("audit")


def log_exempted_login(user: AbstractBaseUser, rule: Rule) -> None:
    """
    Record in the logger ``audit``, and on the current monitoring transaction, that ``rule`` exempted a login.

    With SQUELCH_PII_IN_LOGS on, the attribute ``single_login_rule`` and the line leave the username out.
    """
    matched = rule.setting if rule.setting == USERNAMES and is_pii_squelched() else str(rule)
    _monitor(single_login_exempt=True, single_login_rule=matched)
    AUDIT_LOG.info("Single login exempt - %s - %s", _described(user), matched)


def announce_eviction(user: AbstractBaseUser, session_key: str, reason: str) -> None:
    """Record in the logger ``audit`` that a session of ``user`` was ended and why, and send ``session_evicted``."""
    AUDIT_LOG.info("Single login evicted - %s - %s", _described(user), reason)
    session_evicted.send_robust(sender=type(user), user=user, session_key=session_key, reason=reason)


def _monitor(**attributes: object) -> None:
    try:
        for name, value in attributes.items():
            set_custom_attribute(name, value)
    except Exception:
        # A fault of monitoring must not fail a login. A wrong OPENEDX_TELEMETRY raises here.
        LOG.exception("Monitoring: the attributes of an exempt login could not be set")


def _described(user: AbstractBaseUser) -> str:
    return f"user.id: {user.pk}" if is_pii_squelched() else user.get_username()
