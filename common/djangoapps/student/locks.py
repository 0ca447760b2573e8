"""
The order in which rows are locked: the account's in ``auth_user`` first, then its profile's.

A login locks the first to note its date, and then the second. Whoever takes them the other way round, as a deletion
does by itself, may wait for a login that waits for it.
"""

from django.contrib.auth import get_user_model


def hold_accounts(*pks, using=None):
    """Lock the rows of these accounts until the end of the transaction, lowest first."""
    held = get_user_model().objects.using(using).select_for_update().filter(pk__in=pks).order_by("pk")
    list(held.values_list("pk"))


def hold_account_to_be_deleted(instance, using, **kwargs):
    """Receive ``pre_delete`` of an account, which comes before anything of it is deleted."""
    hold_accounts(instance.pk, using=using)
