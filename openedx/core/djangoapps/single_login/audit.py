"""What operators can read about single login: audit lines and monitoring attributes. Never a session key."""

from __future__ import annotations

import logging

from django.contrib.auth.models import AbstractBaseUser
from edx_django_utils.monitoring import set_custom_attribute

from .exemptions import USERNAMES, Rule, is_pii_squelched

AUDIT_LOG = logging.getLogger("audit")


def log_exempted_login(user: AbstractBaseUser, rule: Rule) -> None:
    """
    Record that ``rule`` exempted a login of ``user``.

    Writes one line to the logger ``audit`` and sets these attributes on the current monitoring transaction:
    ``single_login_exempt`` (True) and ``single_login_rule`` (the setting and the name that matched; the setting alone
    when the name is personal data to be kept out of logs).
    """
    squelched = is_pii_squelched()
    matched = rule.setting if squelched and rule.setting == USERNAMES else str(rule)
    set_custom_attribute("single_login_exempt", True)
    set_custom_attribute("single_login_rule", matched)
    AUDIT_LOG.info("Single login exempt - %s - %s", _named(user, squelched), matched)


def log_eviction(user: AbstractBaseUser, reason: str) -> None:
    """Record in the logger ``audit`` that a session of ``user`` was ended, and why."""
    AUDIT_LOG.info("Single login evicted - %s - %s", _named(user, is_pii_squelched()), reason)


def _named(user: AbstractBaseUser, squelched: bool) -> str:
    return f"user.id: {user.pk}" if squelched else user.get_username()
