"""The profile of an account, with the slot for its one session, and what happens when somebody signs in or out."""

import json
import logging

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from openedx.core.djangoapps.single_login import session_slot
from openedx.core.djangoapps.single_login.enforcement import enforce_single_login
from openedx.core.djangoapps.single_login.exemptions import is_pii_squelched

__all__ = ["UserProfile", "enforce_single_login", "log_successful_login", "log_successful_logout"]

AUDIT_LOG = logging.getLogger("audit")


class UserProfile(models.Model):
    """What the platform knows of an account beyond Django's own columns."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, related_name="profile", on_delete=models.CASCADE)
    name = models.CharField(_("full name"), blank=True, max_length=255, db_index=True)
    meta = models.TextField(_("meta"), blank=True, help_text=_("A JSON object."))

    class Meta:
        db_table = "auth_userprofile"
        verbose_name = _("user profile")
        verbose_name_plural = _("user profiles")

    def __str__(self):
        return f"{self.name} ({self.user_id})"

    def get_meta(self):
        """
        Return the JSON object in ``meta`` as a dict; an empty one when ``meta`` is empty.

        Raises:
            ValueError: when ``meta`` is something else. It is never written over then.
        """
        try:
            meta = json.loads(self.meta or "{}")
        except ValueError:
            meta = None
        if not isinstance(meta, dict):
            # The column may hold a session key, so the message does not repeat it.
            raise ValueError(f"auth_userprofile {self.pk}: meta is not a JSON object. Mend it, or empty it.")
        return meta

    def set_meta(self, meta):
        """Keep the dict ``meta`` as JSON. It is not saved."""
        self.meta = json.dumps(meta)

    def set_login_session(self, session_id=None):
        """Record ``session_id``, or None, as the account's one session: the one recorded before loads no more."""
        with transaction.atomic():
            self.refresh_from_db(fields=["meta"], from_queryset=UserProfile.objects.select_for_update())
            session_slot.record(self, session_id)


def log_successful_login(sender, request, user, **kwargs):
    """Leave a line in the audit log for every login."""
    AUDIT_LOG.info("Login success - %s", _described(user))


def log_successful_logout(sender, request, user, **kwargs):
    """Leave a line in the audit log for every logout of somebody who was signed in."""
    if user is not None:
        AUDIT_LOG.info("Logout - %s", _described(user))


def _described(user):
    if is_pii_squelched():
        return f"user.id: {user.pk}"
    return f"{user.get_username()} ({user.email})"
