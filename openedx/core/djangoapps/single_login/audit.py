"""What others are told of single login: audit lines, monitoring attributes, a signal. No log gets a session key."""

import logging

from django.contrib.auth.models import AbstractBaseUser
from edx_django_utils.monitoring import set_custom_attribute

from .exemptions import USERNAMES, Rule, is_pii_squelched
from .signals import session_evicted

AUDIT_LOG = logging.getLogger("audit")


def log_exempted_login(user: AbstractBaseUser, rule: Rule) -> None:
    """
    Record in the logger ``audit``, and on the current monitoring transaction, that ``rule`` exempted a login.

    A username is left out of the attribute ``single_login_rule`` when personal data are to be kept out of logs.
    """
    matched = rule.setting if rule.setting == USERNAMES and is_pii_squelched() else str(rule)
    set_custom_attribute("single_login_exempt", True)
    set_custom_attribute("single_login_rule", matched)
    AUDIT_LOG.info("Single login exempt - %s - %s", _named(user), matched)


def announce_eviction(user: AbstractBaseUser, session_key: str, reason: str) -> None:
    """Record in the logger ``audit`` that a session was ended, and why; tell the receivers of ``session_evicted``."""
    AUDIT_LOG.info("Single login evicted - %s - %s", _named(user), reason)
    session_evicted.send_robust(sender=type(user), user=user, session_key=session_key)


def _named(user: AbstractBaseUser) -> str:
    return f"user.id: {user.pk}" if is_pii_squelched() else user.get_username()
