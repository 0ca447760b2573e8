"""The redirect from the admin to the sign-in page, and the icon of the site."""

import ddt
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import SimpleTestCase, TestCase

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
