"""The audit line of an eviction."""

import ddt
from django.core.cache import cache
from django.test import Client, TransactionTestCase, override_settings

from common.djangoapps.student.tests.factories import UserFactory

from .single_login_cases import audit_lines


@ddt.ddt
class EvictionLineTest(TransactionTestCase):
    """With SQUELCH_PII_IN_LOGS on, it has the number of the account instead of the username."""

    @ddt.data((True, "user.id: {id}"), (False, "honor"))
    @ddt.unpack
    def test_audit_line_of_an_eviction_has_the_account_and_the_reason(self, squelch, expected):
        cache.clear()
        user = UserFactory(username="honor")
        features = {"PREVENT_CONCURRENT_LOGINS": True, "SQUELCH_PII_IN_LOGS": squelch}
        with override_settings(FEATURES=features), audit_lines() as lines:
            clients = Client(), Client()
            for client in clients:
                client.force_login(user)
        line = f"Single login evicted - {expected.format(id=user.pk)} - signed in elsewhere"
        assert [each for each in lines if "evicted" in each] == [line]
        assert not [client for client in clients if client.cookies["sessionid"].value in str(lines)]
