"""
The receiver of a newer platform.

It creates a missing profile, then skips exempt accounts. A setting that is a bare string matches parts of the string.
"""

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out

from common.djangoapps.student import models

older_receiver = models.enforce_single_login


def enforce_single_login(sender, request, user, signal, **kwargs):
    """Keep one session for each account that is not exempt."""
    if not user or not settings.FEATURES.get("PREVENT_CONCURRENT_LOGINS", False):
        return
    models.UserProfile.objects.get_or_create(user=user, defaults={"name": user.username})
    if not is_exempt(user):
        older_receiver(sender, request, user, signal, **kwargs)


def is_exempt(user):
    """Tell whether a setting names the user or one of their groups."""
    exempt_groups = getattr(settings, "SINGLE_LOGIN_EXEMPT_GROUPS", [])
    return user.username in getattr(settings, "SINGLE_LOGIN_EXEMPT_USERNAMES", []) or any(
        group.name in exempt_groups for group in user.groups.all()
    )


for each in (user_logged_in, user_logged_out):
    each.disconnect(older_receiver)
    each.connect(enforce_single_login)
models.enforce_single_login = enforce_single_login
