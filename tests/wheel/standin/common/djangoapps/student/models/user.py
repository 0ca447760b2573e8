"""
The profile and the receiver of a platform without exemptions.

It behaves like the platform, with its faults: the session store is chosen once, the session on record is deleted even
if it is the one that signs in, all columns are saved, and there is no lock.
"""

import json
from importlib import import_module

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import models
from django.dispatch import receiver

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


class UserProfile(models.Model):
    """The profile of an account."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, related_name="profile", on_delete=models.CASCADE)
    name = models.CharField(blank=True, max_length=255)
    meta = models.TextField(blank=True)

    class Meta:
        db_table = "auth_userprofile"

    def __str__(self):
        return self.name

    def get_meta(self):
        """Return ``meta`` as a dict."""
        return json.loads(self.meta) if self.meta else {}

    def set_meta(self, meta):
        """Set ``meta`` without saving it."""
        self.meta = json.dumps(meta)

    def set_login_session(self, session_id=None):
        """Delete the session on record, and record ``session_id``."""
        meta = self.get_meta()
        if recorded := meta.get("session_id"):
            SessionStore(session_key=recorded).delete()
        self.set_meta({**meta, "session_id": session_id})
        self.save()


@receiver([user_logged_in, user_logged_out])
def enforce_single_login(sender, request, user, signal, **kwargs):
    """Keep one session for each account, without exemptions."""
    if user and settings.FEATURES.get("PREVENT_CONCURRENT_LOGINS", False):
        UserProfile.objects.get_or_create(user=user, defaults={"name": user.username})
        user.profile.set_login_session(request.session.session_key if signal is user_logged_in else None)
