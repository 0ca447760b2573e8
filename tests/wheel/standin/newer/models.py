"""
The receiver of a newer platform in the older one's place.

It exempts accounts itself, and laxly: upper and lower case are the same to it.
"""

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out

from common.djangoapps.student import models

older_receiver = models.enforce_single_login


def enforce_single_login(sender, request, user, signal, **kwargs):
    """Keep one session for each account that is not exempt."""
    if user and not (
        is_named(user.username, "SINGLE_LOGIN_EXEMPT_USERNAMES")
        or any(is_named(group.name, "SINGLE_LOGIN_EXEMPT_GROUPS") for group in user.groups.all())
    ):
        older_receiver(sender, request, user, signal, **kwargs)


def is_named(name, setting):
    """Tell whether ``setting`` names it."""
    return name.lower() in (exempt.lower() for exempt in getattr(settings, setting, []))


for each in (user_logged_in, user_logged_out):
    each.disconnect(older_receiver)
    each.connect(enforce_single_login)
models.enforce_single_login = enforce_single_login
