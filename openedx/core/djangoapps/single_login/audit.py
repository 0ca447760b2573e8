"""Audit lines, monitoring attributes and the signal ``session_evicted``. Session keys never reach a log."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from edx_django_utils.monitoring import set_custom_attribute

from .exemptions import USERNAMES, Rule, exempting_rule, is_anybody_exempt, is_pii_squelched, is_protection_on
from .guard import is_in_place
from .signals import session_evicted, session_of
from .transactions import after_commit

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, User
    from django.http import HttpRequest

LOG = logging.getLogger(__name__)
AUDIT_LOG = logging.getLogger("audit")


def audit_exempt_login(sender: object, request: HttpRequest | None, user: User | None, **kwargs: object) -> None:
    """
    Receive ``user_logged_in``: after the commit, log an exempt login with its rule.

    A receiver of its own, because a platform that has the exemption itself does not call the guarded method.
    """
    if user is None or not (is_anybody_exempt() and is_protection_on() and is_in_place()):
        return
    rule = exempting_rule(user)
    if rule and session_of(request, user) is not None:
        after_commit(partial(_log_exempt_login, user, rule))


def announce_eviction(user: AbstractBaseUser, session_key: str, reason: str) -> None:
    """Write to the logger ``audit`` that a session of ``user`` was ended and why, and send ``session_evicted``."""
    AUDIT_LOG.info("Single login evicted - %s - %s", name_in_log(user, user.get_username()), reason)
    session_evicted.send_robust(sender=type(user), user=user, session_key=session_key, reason=reason)


def name_in_log(user: AbstractBaseUser, name: str) -> str:
    """Return how a log line names ``user``: by ``name``, or with SQUELCH_PII_IN_LOGS on by the number of the account."""
    return f"user.id: {user.pk}" if is_pii_squelched() else name


def _log_exempt_login(user: AbstractBaseUser, rule: Rule) -> None:
    """
    Write to the logger ``audit``, and on the current monitoring transaction, that ``rule`` exempted a login.

    With SQUELCH_PII_IN_LOGS on, the attribute ``single_login_rule`` and the line leave the username out.
    """
    matched = rule.setting if rule.setting == USERNAMES and is_pii_squelched() else str(rule)
    AUDIT_LOG.info("Single login exempt - %s - %s", name_in_log(user, user.get_username()), matched)
    try:
        set_custom_attribute("single_login_exempt", True)
        set_custom_attribute("single_login_rule", matched)
    except Exception:
        # A fault of monitoring must not fail a login. A wrong OPENEDX_TELEMETRY raises here.
        LOG.exception("Monitoring: the attributes of an exempt login could not be set")
