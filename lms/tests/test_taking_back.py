"""Removing an exemption, as the operators' guide describes it."""

from io import StringIO
from unittest.mock import patch

from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, TransactionTestCase, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.levels import every_request


class RemovedExemptionTest(TransactionTestCase):
    """With the check at every request: a removed exemption and a newly set password both end all sessions."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(username="xqwatcher", groups=["xqueue"])

    def sign_in(self):
        client = Client()
        client.post("/xqueue/login/", {"username": "xqwatcher", "password": TEST_PASSWORD})
        assert self.is_signed_in(client)
        return client

    def is_signed_in(self, client):
        return client.get("/xqueue/get_submission/", {"queue_name": "test-queue"}).status_code == 200

    def test_removing_the_exemption_or_setting_the_same_password_ends_all_sessions(self):
        for engine in ("db", "cache"):
            with override_settings(**every_request(engine)):
                with override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"]):
                    earlier = [self.sign_in() for _ in range(3)]
                    assert all(map(self.is_signed_in, earlier))
                    with patch("getpass.getpass", return_value=TEST_PASSWORD):
                        call_command("changepassword", "xqwatcher", stdout=StringIO())
                    assert not any(map(self.is_signed_in, earlier))
                    earlier = [self.sign_in() for _ in range(3)]
                assert not any(map(self.is_signed_in, earlier))
                assert self.is_signed_in(self.sign_in())
