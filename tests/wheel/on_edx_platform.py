"""Adapt the table of cases to a real edx-platform. "make test-platform" runs it there."""

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.test import override_settings
from django.utils.http import int_to_base36
from edx_rest_framework_extensions.auth.jwt.cookies import jwt_cookie_header_payload_name, jwt_cookie_signature_name
from openedx.core.djangoapps.safe_sessions.middleware import SafeCookieData
from openedx.core.djangoapps.user_authn.tests.utils import setup_login_oauth_client
from single_login_cases import BY_GROUP, NEW_PASSWORD, PASSWORD, USERNAME

IS_LMS = settings.ROOT_URLCONF.startswith("lms.")


class OnEdxPlatform:
    """A mixin to use before one with cases: the login and logout of the LMS or Studio, with JWT cookies."""

    apis = ("/api/user/v1/me", "/api/enrollment/v1/enrollment") if IS_LMS else ("/api/user/v1/me",)
    by_another_site = "/auth/login/dummy/" if IS_LMS else None

    def setUp(self):
        platform = override_settings(
            FEATURES={**settings.FEATURES, "DISABLE_SET_JWT_COOKIES_FOR_TESTS": False},
            ROOT_URLCONF=settings.ROOT_URLCONF if IS_LMS else "studio_urls",
        )
        platform.enable()
        self.addCleanup(platform.disable)
        super().setUp()
        setup_login_oauth_client()
        # The platform limits the number of logins.
        cache.clear()

    def sign_in(self, client, user, password=PASSWORD):
        if IS_LMS:
            return super().sign_in(client, user, password)
        return client.post("/login_for_tests", {"username": user.username, "password": password})

    def is_signed_in(self, client):
        # Without the check, JWT cookies count without a session. Remove them for this request, which asks about the
        # session.
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

    @override_settings(**BY_GROUP)
    def test_the_page_answers_staff(self):
        staff = self.create_user("staff")
        staff.is_staff = True
        staff.save()
        page = self.new_client(staff).get("/single_login/exemptions/")
        self.assertContains(page, USERNAME)
