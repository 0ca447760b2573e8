"""Audit lines, monitoring attributes and the signal ``session_evicted``. Session keys never reach a log."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from edx_django_utils.monitoring import set_custom_attribute

from .exemptions import USERNAMES, Rule, exempting_rule, is_any_name_set, is_pii_squelched, is_protection_on
from .guard import LOGIN, find_guarded_signals
from .signals import session_evicted, session_of
from .transactions import after_commit

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, User
    from django.http import HttpRequest

AUDIT_LOG = logging.getLogger("audit")


def audit_exempt_login(sender: object, request: HttpRequest | None, user: User | None, **kwargs: object) -> None:
    """
    Receive ``user_logged_in``: after the commit, log an exempt login with its rule.

    This is a separate receiver: a platform with its own exemption does not call the guarded method for an exempt
    account.
    """
    if user is None or not (is_any_name_set() and is_protection_on() and LOGIN in find_guarded_signals()):
        return
    rule = exempting_rule(user)
    if rule and session_of(request, user) is not None:
        after_commit(partial(_log_exempt_login, user, rule))


def announce_eviction(user: AbstractBaseUser, session_key: str, reason: str) -> None:
    """Write to the logger ``audit`` that a session of ``user`` was ended and why, and send ``session_evicted``."""
    AUDIT_LOG.info("Single login evicted - %s - %s", name_in_log(user, user.get_username()), reason)
    session_evicted.send_robust(sender=type(user), user=user, session_key=session_key, reason=reason)


def name_in_log(user: AbstractBaseUser, name: str) -> str:
    """Return how a log line names ``user``: by ``name``, or by the account's number if SQUELCH_PII_IN_LOGS is on."""
    return f"user.id: {user.pk}" if is_pii_squelched() else name


def _log_exempt_login(user: AbstractBaseUser, rule: Rule) -> None:
    """
    Write to the logger ``audit``, and on the current monitoring transaction, that ``rule`` exempted a login.

    With SQUELCH_PII_IN_LOGS on, the attribute ``single_login_rule`` and the line leave the username out.
    """
    matched = rule.setting if rule.setting == USERNAMES and is_pii_squelched() else str(rule)
    AUDIT_LOG.info("Single login exempt - %s - %s", name_in_log(user, user.get_username()), matched)
    # These raise if OPENEDX_TELEMETRY is wrong. ``after_commit`` logs the error, and the login goes on.
    set_custom_attribute("single_login_exempt", True)
    set_custom_attribute("single_login_rule", matched)
