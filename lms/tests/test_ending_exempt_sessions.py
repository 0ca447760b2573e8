"""Ending the sessions of an exempt account, as the operators' guide describes it."""

from io import StringIO
from unittest.mock import patch

import ddt
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, TransactionTestCase, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.level_settings import every_request, exempt_only


@ddt.ddt
class ExemptSessionsTest(TransactionTestCase):
    """Setting the password ends all sessions, even if it is the same password."""

    def setUp(self):
        super().setUp()
        cache.clear()
        UserFactory(username="xqwatcher", groups=["xqueue"])

    def sign_in(self):
        client = Client()
        client.post("/xqueue/login/", {"username": "xqwatcher", "password": TEST_PASSWORD})
        assert self.is_signed_in(client)
        return client

    def is_signed_in(self, client):
        return client.get("/xqueue/get_submission/", {"queue_name": "test-queue"}).status_code == 200

    @ddt.data(exempt_only("db"), exempt_only("cache"), every_request("db"), every_request("cache"))
    def test_setting_the_same_password_ends_all_sessions_of_an_exempt_account(self, level):
        with override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"], **level):
            clients = [self.sign_in() for _ in range(3)]
            assert all(map(self.is_signed_in, clients))
            with patch("getpass.getpass", return_value=TEST_PASSWORD):
                call_command("changepassword", "xqwatcher", stdout=StringIO())
            assert not any(map(self.is_signed_in, clients))
            self.sign_in()
