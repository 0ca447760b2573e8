"""The table of cases, with the wheel installed on a real edx-platform: "make test-platform" runs it there."""

from unittest import skipUnless

import ddt
from common.djangoapps.third_party_auth.tests.testutil import ThirdPartyAuthTestMixin
from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.test import TransactionTestCase, override_settings
from django.utils.http import int_to_base36
from edx_rest_framework_extensions.auth.jwt.cookies import jwt_cookie_header_payload_name, jwt_cookie_signature_name
from jwt_cookie_cases import JwtCookieCases
from openedx.core.djangoapps.safe_sessions.middleware import SafeCookieData
from openedx.core.djangoapps.user_authn.tests.utils import setup_login_oauth_client
from rest_framework.test import APIClient
from single_login_cases import BY_GROUP, NEW_PASSWORD, USERNAME, SingleLoginCases, protection
from social_django.models import UserSocialAuth
from statement_cases import StatementCases

from common.djangoapps.student.models import enforce_single_login

IS_LMS = settings.ROOT_URLCONF.startswith("lms.")


@ddt.ddt
class SingleLoginOnEdxPlatformTest(SingleLoginCases, JwtCookieCases, StatementCases, TransactionTestCase):
    """The table, through the login and logout of the platform's LMS or Studio, with JWT cookies as in production."""

    apis = ("/api/user/v1/me", "/api/enrollment/v1/enrollment") if IS_LMS else ("/api/user/v1/me",)

    by_another_site = "/auth/login/dummy/" if IS_LMS else None
    # The platform's safe sessions refuse it.
    refuses_two_accounts = True

    def setUp(self):
        with_jwt_cookies = override_settings(FEATURES={**settings.FEATURES, "DISABLE_SET_JWT_COOKIES_FOR_TESTS": False})
        with_jwt_cookies.enable()
        self.addCleanup(with_jwt_cookies.disable)
        super().setUp()
        setup_login_oauth_client()
        # The platform limits the number of logins.
        cache.clear()

    @property
    def checks_every_request(self):
        return getattr(settings, "SINGLE_LOGIN_CHECK_EVERY_REQUEST", False)

    def is_signed_in(self, client):
        # At login, JWT cookies count without a session. Remove them for this request, which asks about the session.
        names = (jwt_cookie_header_payload_name(), jwt_cookie_signature_name())
        aside = {name: client.cookies.pop(name) for name in names if name in client.cookies}
        is_signed_in = client.get("/api/user/v1/me").status_code == 200
        client.cookies.update({name: morsel for name, morsel in aside.items() if name not in client.cookies})
        return is_signed_in

    def cookie_of(self, session):
        return str(SafeCookieData.create(session.session_key, session[SESSION_KEY]))

    def change_password(self, client):
        self.user.refresh_from_db()
        url = f"/password/reset/{int_to_base36(self.user.pk)}-{default_token_generator.make_token(self.user)}/"
        answer = client.post(url, {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD})
        assert answer.json()["reset_status"] is True

    def test_case_12_a_session_is_accepted_after_the_rotation_of_the_secret_key_and_the_next_login_ends_it(self):
        client = self.from_before()
        with self.rotated_key(), protection(False):
            self.is_signed_in(client)
            if SESSION_KEY not in client.session:
                self.skipTest("This platform itself signs everybody out when SECRET_KEY is rotated")
        super().test_case_12_a_session_is_accepted_after_the_rotation_of_the_secret_key_and_the_next_login_ends_it()

    def test_case_15_a_login_through_another_site_that_sets_the_cookies_first_works(self):
        if IS_LMS:
            ThirdPartyAuthTestMixin.configure_dummy_provider(enabled=True, visible=True)
            UserSocialAuth.objects.create(user=self.user, provider="dummy", uid="1234")
        super().test_case_15_a_login_through_another_site_that_sets_the_cookies_first_works()

    def test_the_app_is_the_installed_one(self):
        assert apps.get_app_config("single_login").name == "openedx_single_login"

    def test_the_platforms_receiver_is_replaced_and_the_session_engine_is_the_one_of_the_level(self):
        for signal in (user_logged_in, user_logged_out):
            assert self.is_connected(self.enforce_single_login, signal)
            assert not self.is_connected(enforce_single_login, signal)
        is_ours = settings.SESSION_ENGINE == "openedx_single_login.session_engine"
        assert is_ours is self.checks_every_request

    def test_case_15_an_evicted_browser_gets_no_fresh_jwt_cookies(self):
        evicted = self.new_client(self.user)
        kept = self.copies_of(evicted)
        assert evicted.post("/login_refresh").status_code == 200
        live = self.new_client(self.user)
        clients = [evicted, *kept, live]
        assert [client.post("/login_refresh").status_code for client in clients] == [401, 401, 401, 200]

    @skipUnless(IS_LMS, "Studio has no mobile API")
    def test_a_request_of_the_mobile_app_with_a_token_and_no_session_changes_nothing(self):
        browser = self.new_client(self.user)
        app = APIClient()
        app.force_authenticate(self.user)
        assert app.get("/api/mobile/v1/my_user_info").status_code == 302
        assert self.is_signed_in(browser)
        assert self.recorded() == browser.session.session_key

    @override_settings(**BY_GROUP)
    def test_the_page_answers_staff(self):
        staff = self.create_user("staff")
        staff.is_staff = True
        staff.save()
        page = self.new_client(staff).get("/single_login/exemptions/")
        self.assertContains(page, USERNAME)
