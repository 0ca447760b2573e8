"""The table of cases, with the wheel installed on a platform that was not changed for it."""

import ddt
from django.apps import apps
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext
from single_login_cases import SingleLoginCases, protection

from common.djangoapps.student import models


@ddt.ddt
class SingleLoginOnThePlatformTest(SingleLoginCases, TransactionTestCase):
    """Whichever LMS or Studio the settings name: tox runs it with several."""

    def test_the_app_is_the_installed_one(self):
        assert apps.get_app_config("single_login").name == "openedx_single_login"

    def test_ready_twice_guards_once(self):
        apps.get_app_config("single_login").ready()
        for signal in (user_logged_in, user_logged_out):
            assert len(self.receivers_of(signal)) == 1
            assert not signal.disconnect(models.enforce_single_login)

    def test_with_the_protection_off_no_profile_is_read(self):
        with protection(False), CaptureQueriesContext(connection) as queries:
            self.sign_out(self.new_client(self.user))
        assert queries.captured_queries
        assert not [query["sql"] for query in queries if "auth_userprofile" in query["sql"]]

    @ddt.data(True, False)
    def test_the_middleware_ends_a_session_that_a_request_under_way_would_bring_back(self, is_installed):
        key = self.new_client(self.user).session.session_key
        # What the request saves late is a session that the record no longer names.
        self.profiles.update(meta='{"session_id": "another"}')
        extra = ["openedx_single_login.middleware.SingleLoginMiddleware"] if is_installed else []
        client = self.client_class()
        client.cookies[settings.SESSION_COOKIE_NAME] = key
        with self.settings(MIDDLEWARE=[*settings.MIDDLEWARE, *extra], SESSION_SAVE_EVERY_REQUEST=True):
            assert self.is_signed_in(client) is not is_installed
