"""The student app: accounts, and one session for each of them."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import pre_delete

from openedx.core.djangoapps.single_login.signals import session_evicted


class StudentConfig(AppConfig):
    """App configuration: connect the receivers."""

    name = "common.djangoapps.student"

    def ready(self):
        """
        Connect the receivers of logins, logouts, evictions and deletions.

        They are connected here, so that they run after Django's ``update_last_login``. Every login then locks the
        account first and its profile second. See ``locks``.
        """
        from common.djangoapps.student import eviction_notice
        from common.djangoapps.student.locks import lock_account_before_deletion
        from common.djangoapps.student.models import (
            enforce_single_login,
            log_successful_login,
            log_successful_logout,
        )

        user_logged_in.connect(log_successful_login)
        user_logged_out.connect(log_successful_logout)
        for signal in (user_logged_in, user_logged_out):
            signal.connect(enforce_single_login)
        session_evicted.connect(eviction_notice.store_notice)
        pre_delete.connect(lock_account_before_deletion, sender=settings.AUTH_USER_MODEL)
