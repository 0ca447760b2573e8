"""The table of cases with the check at every request, on a real edx-platform."""

from unittest import skipUnless

import ddt
from common.djangoapps.third_party_auth.tests.testutil import ThirdPartyAuthTestMixin
from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.test import TransactionTestCase
from jwt_cookie_cases import JwtCookieCases
from on_edx_platform import IS_LMS, OnEdxPlatform
from rest_framework.test import APIClient
from single_login_cases import EveryRequestCases, protection
from social_django.models import UserSocialAuth
from statement_cases import StatementCases

from common.djangoapps.student.models import enforce_single_login


@ddt.ddt
class EveryRequestOnEdxPlatformTest(
    OnEdxPlatform, EveryRequestCases, JwtCookieCases, StatementCases, TransactionTestCase
):
    """The LMS or Studio, by the settings."""

    def test_case_12_a_rotated_secret_key_keeps_the_session_until_the_next_login(self):
        client = self.from_before()
        with self.rotated_key(), protection(False):
            self.is_signed_in(client)
            if SESSION_KEY not in client.session:
                self.skipTest("This platform itself signs everybody out when SECRET_KEY is rotated")
        super().test_case_12_a_rotated_secret_key_keeps_the_session_until_the_next_login()

    def test_case_15_a_login_through_another_site_that_sets_the_cookies_first_works(self):
        if IS_LMS:
            ThirdPartyAuthTestMixin.configure_dummy_provider(enabled=True, visible=True)
            UserSocialAuth.objects.create(user=self.user, provider="dummy", uid="1234")
        super().test_case_15_a_login_through_another_site_that_sets_the_cookies_first_works()

    def test_case_15_an_evicted_browser_gets_no_fresh_jwt_cookies(self):
        evicted = self.new_client(self.user)
        kept = self.copies_of(evicted)
        assert evicted.post("/login_refresh").status_code == 200
        signed_in = self.new_client(self.user)
        clients = [evicted, *kept, signed_in]
        assert [client.post("/login_refresh").status_code for client in clients] == [401, 401, 401, 200]

    @skipUnless(IS_LMS, "Studio has no mobile API")
    def test_case_10_a_token_of_the_mobile_app_changes_nothing(self):
        browser = self.new_client(self.user)
        app = APIClient()
        app.force_authenticate(self.user)
        assert app.get("/api/mobile/v1/my_user_info").status_code == 302
        assert self.is_signed_in(browser)
        assert self.recorded() == browser.session.session_key

    def test_the_app_is_the_installed_one(self):
        assert apps.get_app_config("single_login").name == "openedx_single_login"

    def test_the_platforms_receiver_is_replaced_and_the_session_engine_is_ours(self):
        for signal in (user_logged_in, user_logged_out):
            assert self.is_connected(self.enforce_single_login, signal)
            assert not self.is_connected(enforce_single_login, signal)
        assert settings.SESSION_ENGINE == "openedx_single_login.one_session.engine"
