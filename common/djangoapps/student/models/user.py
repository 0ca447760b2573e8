"""The profile of an account with the slot for its one session, and the receivers of logins and logouts."""

import json
import logging

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.db import models

from openedx.core.djangoapps.single_login.audit import name_in_log
from openedx.core.djangoapps.single_login.exemptions import exempting_rule, is_protection_on
from openedx.core.djangoapps.single_login.one_session import slot
from openedx.core.djangoapps.single_login.signals import session_of

__all__ = ["UserProfile", "enforce_single_login", "log_successful_login", "log_successful_logout"]

AUDIT_LOG = logging.getLogger("audit")


class UserProfile(models.Model):
    """Data of an account that Django's own user model has no column for."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, related_name="profile", on_delete=models.CASCADE)
    name = models.CharField("full name", blank=True, max_length=255, db_index=True)
    meta = models.TextField("meta", blank=True, help_text="A JSON object.")

    class Meta:
        db_table = "auth_userprofile"
        verbose_name = "user profile"
        verbose_name_plural = "user profiles"

    def __str__(self):
        return f"{self.name} ({self.user_id})"

    def get_meta(self):
        """
        Return the JSON object in ``meta`` as a dict. An empty ``meta`` means an empty object.

        Raises:
            ValueError: ``meta`` holds anything else.
        """
        return slot.parse_meta(self.meta)

    def set_meta(self, meta):
        """Set ``meta`` to the dict ``meta`` as JSON, without saving it."""
        self.meta = json.dumps(meta)

    def set_login_session(self, session_id=None):
        """Record ``session_id`` as the one session of the account, or None for no session (``slot.replace_record``)."""
        slot.replace_record(self, session_id)


def enforce_single_login(sender, request, user, signal, **kwargs):
    """
    Keep one session per account: a login evicts the account's earlier session, a logout clears its own record.

    Receives ``user_logged_in`` and ``user_logged_out``. A login of an exempt account returns early, before a session is
    evicted or recorded.

    Raises:
        ValueError: the ``meta`` of the profile cannot be read at a login.
    """
    session = session_of(request, user)
    if session is None or not is_protection_on():
        return
    if signal is user_logged_out:
        slot.clear_own_record(user, session)
        return
    profile = slot.find_or_create_profile(user)
    if rule := exempting_rule(user):
        slot.note_rule(session, rule)
        return
    with slot.prepare_session(user, profile, request) as session_key:
        if session_key:
            profile.set_login_session(session_key)


# The app single_login leaves this receiver alone, because the guard is inside (docs/decisions/0003).
enforce_single_login.has_exemption_guard = True


def log_successful_login(sender, request, user, **kwargs):
    """Write a line to the audit log for every login, before its session is recorded. If that fails, the line stays."""
    AUDIT_LOG.info("Login success - %s", _described(user))


def log_successful_logout(sender, request, user, **kwargs):
    """Write a line to the audit log for every logout of a user who was signed in."""
    if user is not None:
        AUDIT_LOG.info("Logout - %s", _described(user))


def _described(user):
    return name_in_log(user, f"{user.get_username()} ({user.email})")
