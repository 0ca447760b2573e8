"""The login of the xqueue API."""

import json

import ddt
from django.core.cache import cache
from django.test import Client, TestCase, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory

LOGIN = "/xqueue/login/"
RIGHT = {"username": "xqwatcher", "password": TEST_PASSWORD}


@ddt.ddt
class XQueueLoginTest(TestCase):
    """Graders get the CSRF cookie with GET and sign in with POST."""

    def setUp(self):
        super().setUp()
        cache.clear()
        UserFactory(username="xqwatcher", groups=["xqueue"])

    def answer(self, response):
        return response.status_code, response.json()["return_code"], response.json()["content"]

    def test_get_sets_the_csrf_cookie(self):
        response = self.client.get(LOGIN)
        assert self.answer(response) == (200, 0, "")
        assert "csrftoken" in response.cookies

    @ddt.data("application/json", "multipart")
    def test_post_signs_in(self, content_type):
        sent = (json.dumps(RIGHT), content_type) if content_type != "multipart" else (RIGHT,)
        assert self.answer(self.client.post(LOGIN, *sent)) == (200, 0, "Logged in")
        assert self.client.get("/xqueue/get_submission/", {"queue_name": "q"}).status_code == 200

    def test_wrong_credentials_are_refused(self):
        for data in ({**RIGHT, "password": "wrong"}, {**RIGHT, "username": "nobody"}):
            assert self.answer(self.client.post(LOGIN, data)) == (401, 1, "Incorrect login credentials")

    @ddt.data(
        "5",
        "null",
        "[]",
        '"username password"',
        '["username", "password"]',
        '{"username": "xqwatcher"}',
        '{"username": ["xqwatcher"], "password": "x"}',
        '{"username": "xqwatcher", "password": 5}',
        '{"username": "\\ud800", "password": "x"}',
        "[" * 16000,
    )
    def test_malformed_credentials_are_refused(self, body):
        response = self.client.post(LOGIN, body, content_type="application/json")
        assert self.answer(response) == (400, 1, "Insufficient login info")

    @ddt.data("/xqueue/login.json", "/xqueue/")
    def test_there_is_no_other_login_url(self, path):
        assert self.client.post(path, RIGHT).status_code == 404

    def test_too_many_wrong_passwords_get_429(self):
        # For a year, so that the limit is not over in the middle of the test.
        with override_settings(LOGISTRATION_RATELIMIT_RATE="3/365d"):
            statuses = [Client().post(LOGIN, {**RIGHT, "password": "wrong"}).status_code for _ in range(4)]
            assert statuses == [401, 401, 401, 429]
            refused = self.client.post(LOGIN, RIGHT)
        assert self.answer(refused) == (429, 1, "Too many failed login attempts. Try again later.")
