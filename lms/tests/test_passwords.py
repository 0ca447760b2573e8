"""A password signs in at every endpoint, in every Unicode form."""

import io
import unicodedata
from unittest.mock import patch

import ddt
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, TestCase, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from lms.envs import common

ENDPOINTS = {
    "/login": "email_or_username",
    "/login_ajax": "email",
    "/api/user/v1/account/login_session/": "email",
    "/api/user/v2/account/login_session/": "email_or_username",
    "/user_api/v1/account/login_session/": "email",
    "/xqueue/login/": "username",
}
HALF = "half-½-pw-1"
DECOMPOSED = unicodedata.normalize("NFD", "é")
PASSWORDS = [HALF, f"caf{DECOMPOSED}-pw-1", "café-pw-1", "\ufb01ne-pw-Å-1"]
FORMS = ["NFC", "NFD", "NFKC", "NFKD"]


@ddt.ddt
class PasswordTest(TestCase):
    """The ways in which a site sets passwords: the admin, two commands, and code."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.admin = Client()
        self.admin.force_login(UserFactory(is_staff=True, is_superuser=True))

    def in_the_admin(self, password):
        user = UserFactory(username="grader")
        sent = {"usable_password": "true", "password1": password, "password2": password}
        assert self.admin.post(f"/admin/auth/user/{user.pk}/password/", sent).status_code == 302

    def on_the_page_to_add_a_user(self, password):
        sent = {"username": "grader", "usable_password": "true", "password1": password, "password2": password}
        assert self.admin.post("/admin/auth/user/add/", sent).status_code == 302
        get_user_model().objects.filter(username="grader").update(email="grader@example.com")

    def with_changepassword(self, password):
        UserFactory(username="grader")
        with patch("getpass.getpass", return_value=password):
            call_command("changepassword", "grader", stdout=io.StringIO())

    def with_createsuperuser(self, password):
        with patch.dict("os.environ", DJANGO_SUPERUSER_PASSWORD=password):
            options = {"username": "grader", "email": "grader@example.com", "interactive": False}
            call_command("createsuperuser", stdout=io.StringIO(), **options)

    def by_code(self, password):
        get_user_model().objects.create_user("grader", "grader@example.com", password)

    WAYS = [in_the_admin, on_the_page_to_add_a_user, with_changepassword, with_createsuperuser, by_code]

    def sign_in(self, path, password, client=None):
        field = ENDPOINTS[path]
        sent = {field: "grader@example.com" if field == "email" else "grader", "password": password}
        return (client or Client()).post(path, sent).status_code

    @ddt.data(*((way, password) for way in WAYS for password in PASSWORDS))
    @ddt.unpack
    def test_password_signs_in_at_every_endpoint_in_every_form(self, way, password):
        way(self, password)
        typed = {password, *(unicodedata.normalize(form, password) for form in FORMS)}
        answers = {(path, each): self.sign_in(path, each) for path in ENDPOINTS for each in typed}
        assert {key: status for key, status in answers.items() if status not in (200, 302)} == {}

    def test_another_password_signs_in_at_no_endpoint(self):
        self.with_changepassword(HALF)
        assert {self.sign_in(path, "half-1-pw-1") for path in ENDPOINTS} == {400, 401}

    def test_password_can_be_changed_by_its_owner(self):
        user = UserFactory(username="grader", is_staff=True)
        user.set_password(HALF)
        user.save()
        client = Client()
        assert self.sign_in("/login", HALF, client) == 302
        sent = {"old_password": HALF, "new_password1": TEST_PASSWORD, "new_password2": TEST_PASSWORD}
        assert client.post("/admin/password_change/", sent).status_code == 302
        assert self.sign_in("/login", TEST_PASSWORD) == 302

    @override_settings(PASSWORD_HASHERS=common.PASSWORD_HASHERS)
    def test_hashers_of_a_site_do_the_same_and_keep_the_name_of_the_hash(self):
        self.with_changepassword(HALF)
        assert get_user_model().objects.get(username="grader").password.startswith("pbkdf2_sha256$")
        assert self.sign_in("/login_ajax", HALF) == 200
        assert self.sign_in("/xqueue/login/", unicodedata.normalize("NFKC", HALF)) == 200
