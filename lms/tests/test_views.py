"""The redirect from the admin to the sign-in page, the icon of the site, and the answer 400."""

import ddt
from django.contrib.auth.signals import user_logged_in
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client, SimpleTestCase, TestCase, TransactionTestCase, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory


class FaviconTest(SimpleTestCase):
    """Browsers ask for it on pages that name no icon, such as those of the admin."""

    def test_favicon_redirects_to_a_static_file(self):
        url = self.client.get("/favicon.ico").url
        assert finders.find(url.removeprefix("/static/"))


@ddt.ddt
class AdminLoginTest(TestCase):
    """The admin uses the sign-in page."""

    def setUp(self):
        super().setUp()
        cache.clear()

    @ddt.data(
        ("/admin/login/", "/login?next=/admin/"),
        ("/admin/login/?next=/admin/auth/user/%3Fq%3Dxq", "/login?next=/admin/auth/user/%3Fq%3Dxq"),
        ("/admin/login/?next=https://evil.example.com/", "/login?next=https%3A//evil.example.com/"),
    )
    @ddt.unpack
    def test_admin_login_redirects_to_the_sign_in_page_with_next(self, path, expected):
        for method in (self.client.get, self.client.post):
            response = method(path)
            assert response.url == expected
            assert "no-store" in response.headers["Cache-Control"]

    def test_credentials_posted_to_the_admin_login_are_ignored(self):
        UserFactory(username="staff", is_staff=True)
        self.client.post("/admin/login/", {"username": "staff", "password": TEST_PASSWORD, "next": "/admin/"})
        assert "_auth_user_id" not in self.client.session

    def test_staff_user_is_redirected_to_the_requested_page(self):
        UserFactory(username="staff", is_staff=True, is_superuser=True)
        page = self.client.get("/admin/auth/user/?q=xq", follow=True)
        target = page.context["next"]
        sent = {"email_or_username": "staff", "password": TEST_PASSWORD, "next": target}
        self.assertRedirects(self.client.post("/login", sent), "/admin/auth/user/?q=xq")
        self.assertRedirects(self.client.get("/admin/login/?next=/admin/auth/"), "/login?next=/admin/auth/", 302, 302)

    def test_user_who_is_not_staff_gets_403_and_no_redirect_loop(self):
        self.client.force_login(UserFactory())
        response = self.client.get("/admin/", follow=True)
        assert response.status_code == 403
        assert len(response.redirect_chain) == 1


ENDED = "This session was ended while the request ran. Please sign in again."
MALFORMED = "The request is malformed."


@ddt.ddt
class BadRequestTest(TransactionTestCase):
    """An API answers 400 as JSON, also where Django does before or after the view."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(username="honor")

    def credentials(self):
        name = {"email": self.user.email, "email_or_username": "honor", "username": "honor"}
        return {**name, "password": TEST_PASSWORD}

    def lose_a_race(self, path):
        """Sign in at ``path``. Before the answer, the same account signs in elsewhere."""
        later = []

        def sign_in_elsewhere(**kwargs):
            if not later:
                later.append(Client())
                later[0].force_login(self.user)

        user_logged_in.connect(sign_in_elsewhere)
        try:
            return Client().post(path, self.credentials())
        finally:
            user_logged_in.disconnect(sign_in_elsewhere)
            assert later[0].get("/dashboard").status_code == 200

    def too_many_fields(self, path):
        with override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=1):
            return Client().post(path, self.credentials())

    @ddt.data(
        "/login_ajax",
        "/api/user/v1/account/login_session/",
        "/api/user/v2/account/login_session/",
        "/user_api/v1/account/login_session/",
    )
    def test_login_api_answers_json_with_a_code(self, path):
        for act, code, message in (
            (self.lose_a_race, "session-interrupted", ENDED),
            (self.too_many_fields, "bad-request", MALFORMED),
        ):
            response = act(path)
            assert response.status_code == 400
            assert response.json() == {"success": False, "value": message, "error_code": code}

    def test_xqueue_answers_json_in_its_own_form(self):
        for act, code, message in (
            (self.lose_a_race, "session-interrupted", ENDED),
            (self.too_many_fields, "bad-request", MALFORMED),
        ):
            response = act("/xqueue/login/")
            assert response.status_code == 400
            assert response.json() == {"return_code": 1, "content": message, "error_code": code}

    def test_sign_in_page_answers_a_page(self):
        for act in (self.lose_a_race, self.too_many_fields):
            self.assertContains(act("/login"), "<h1>Please try again</h1>", status_code=400)

    def test_page_that_no_url_names_answers_a_page(self):
        with override_settings(ALLOWED_HOSTS=["lms.example.com"]):
            response = Client().post("/login_ajax", headers={"host": "evil.example.com"})
        self.assertContains(response, "<h1>Please try again</h1>", status_code=400)
