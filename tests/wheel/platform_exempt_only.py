"""The table of cases at exempt only, on a real edx-platform."""

from unittest import skipUnless

from django.test import TransactionTestCase, override_settings
from exempt_only_cases import ExemptOnlyCases
from on_edx_platform import IS_LMS, OnEdxPlatform
from rest_framework.test import APIClient
from single_login_cases import BY_USERNAME


class ExemptOnlyOnEdxPlatformTest(OnEdxPlatform, ExemptOnlyCases, TransactionTestCase):
    """The LMS or Studio, by the settings."""

    @skipUnless(IS_LMS, "Studio has no mobile API")
    def test_case_10_a_token_of_the_mobile_app_keeps_the_record_of_an_exempt_account(self):
        browser = self.new_client(self.user)
        app = APIClient()
        app.force_authenticate(self.user)
        with override_settings(**BY_USERNAME):
            assert app.get("/api/mobile/v1/my_user_info").status_code == 302
        assert self.is_signed_in(browser)
        assert self.recorded() == self.key_of(browser)
