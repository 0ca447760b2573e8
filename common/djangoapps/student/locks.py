"""
The order of row locks: the account in ``auth_user`` first, then its profile.

A login locks them in this order: it updates ``last_login`` and then records its session. Without ``lock_accounts``, a
deletion would lock the profile first, and could deadlock with a login.
"""

from django.contrib.auth import get_user_model


def lock_accounts(*pks, using=None):
    """Lock the rows of these accounts until the end of the transaction, the lowest number first."""
    users = get_user_model().objects.using(using).select_for_update().filter(pk__in=pks).order_by("pk")
    list(users.values_list("pk"))


def lock_account_before_deletion(instance, using, **kwargs):
    """Receive ``pre_delete`` of an account, which is sent before its profile is deleted."""
    lock_accounts(instance.pk, using=using)
