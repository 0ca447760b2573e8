"""The student app and the receivers it connects."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import pre_delete

from openedx.core.djangoapps.single_login.signals import session_evicted


class StudentConfig(AppConfig):
    """Accounts, and one session for each of them."""

    name = "common.djangoapps.student"
    # The receiver below checks the exemptions itself: single_login must not replace it (docs/decisions/0003).
    has_exemption_guard = True

    def ready(self):
        """
        Connect the receivers.

        Here and not beside the functions, so that they run after Django's ``update_last_login``: every login then locks
        the account's row first and its profile second (docs/decisions/0004-the-rule-in-the-session-engine.rst).
        """
        from common.djangoapps.student import eviction_notice
        from common.djangoapps.student.locks import hold_account_to_be_deleted
        from common.djangoapps.student.models import (
            enforce_single_login,
            log_successful_login,
            log_successful_logout,
        )

        user_logged_in.connect(log_successful_login)
        user_logged_out.connect(log_successful_logout)
        for signal in (user_logged_in, user_logged_out):
            signal.connect(enforce_single_login)
        session_evicted.connect(eviction_notice.leave)
        pre_delete.connect(hold_account_to_be_deleted, sender=settings.AUTH_USER_MODEL)
