"""The table of cases, with the wheel installed on a real edx-platform: "make test-platform" runs it there."""

from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.cache import cache
from django.test import TransactionTestCase, override_settings
from rest_framework.test import APIClient
from single_login_cases import BY_GROUP, USERNAME, SingleLoginCases

from common.djangoapps.student.models import enforce_single_login


class SingleLoginOnEdxPlatformTest(SingleLoginCases, TransactionTestCase):
    """Through the platform's own login and logout."""

    def setUp(self):
        super().setUp()
        # The platform counts the attempts to sign in.
        cache.clear()

    def is_signed_in(self, client):
        return client.get("/api/user/v1/me").status_code == 200

    def test_the_app_is_the_installed_one(self):
        assert apps.get_app_config("single_login").name == "openedx_single_login"

    def test_the_platforms_receiver_is_guarded_and_not_connected_beside_the_guard(self):
        for signal in (user_logged_in, user_logged_out):
            assert len(self.receivers_of(signal)) == 1
            was_connected = signal.disconnect(enforce_single_login)
            if was_connected:
                # As it was: the other tests are to tell of faults of their own.
                signal.connect(enforce_single_login)
            assert not was_connected

    def test_the_mobile_app_which_has_a_token_and_no_session_is_let_be(self):
        browser = self.new_client(self.user)
        app = APIClient()
        app.force_authenticate(self.user)
        assert app.get("/api/mobile/v1/my_user_info").status_code == 302
        assert self.is_signed_in(browser)
        assert self.recorded() == browser.session.session_key

    @override_settings(**BY_GROUP)
    def test_the_page_is_there_for_staff(self):
        staff = self.create_user("staff")
        staff.is_staff = True
        staff.save()
        page = self.new_client(staff).get("/single_login/exemptions/")
        self.assertContains(page, USERNAME)
