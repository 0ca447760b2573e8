"""The table of cases with the check at every request, on an unchanged platform."""

from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext
from jwt_cookie_cases import JwtCookieCases
from single_login_cases import EveryRequestCases, protection
from statement_cases import StatementCases

from common.djangoapps.student import models


class EveryRequestTest(EveryRequestCases, JwtCookieCases, StatementCases, TransactionTestCase):
    """The LMS that the settings name. tox runs it with several settings."""

    def test_the_app_is_the_installed_one(self):
        assert apps.get_app_config("single_login").name == "openedx_single_login"

    def test_it_replaces_the_receiver_of_the_platform(self):
        for signal in (user_logged_in, user_logged_out):
            assert self.is_connected(self.enforce_single_login, signal)
            assert not self.is_connected(models.enforce_single_login, signal)

    def test_with_the_protection_off_no_profile_is_read(self):
        with protection(False), CaptureQueriesContext(connection) as queries:
            self.sign_out(self.new_client(self.user))
        assert queries.captured_queries
        assert not [query["sql"] for query in queries if "auth_userprofile" in query["sql"]]
