"""Work that waits for the commit of a login or logout."""

from collections.abc import Callable

from django.apps import apps
from django.db import router, transaction


def after_commit(action: Callable[[], object]) -> None:
    """Run ``action`` after the commit, when no lock is held. An error in it is logged and goes no further."""
    # Not the partial itself: Django's log line needs a function's name.
    transaction.on_commit(lambda: action(), using=profile_database(), robust=True)


def profile_database() -> str:
    """Return the alias of the database to which profiles are written."""
    return router.db_for_write(apps.get_model("student", "UserProfile"))
