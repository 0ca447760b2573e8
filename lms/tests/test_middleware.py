"""The limit on the body of a login."""

import ddt
from django.test import Client, TestCase
from django.urls import resolve

from common.djangoapps.student.tests.factories import UserFactory
from lms.middleware import MAX_BYTES

LOGINS = [
    "/login",
    "/login_ajax",
    "/logout",
    "/api/user/v1/account/login_session/",
    "/api/user/v2/account/login_session/",
    "/user_api/v1/account/login_session/",
    "/xqueue/login/",
    "/xqueue/logout/",
    "/admin/login/",
]
FORM = "application/x-www-form-urlencoded"


class Unread:
    """A body that must not be read."""

    def read(self, *size):
        raise AssertionError("The body was read.")

    readline = read


@ddt.ddt
class SmallBodyTest(TestCase):
    """A body that is larger than any login is refused before it is read."""

    def send(self, path, **environ):
        """Post a body that must not be read. The CSRF middleware would look for a token in it."""
        return Client(enforce_csrf_checks=True).request(
            REQUEST_METHOD="POST", PATH_INFO=path, CONTENT_TYPE=FORM, **{"wsgi.input": Unread(), **environ}
        )

    @ddt.data(*((path, length) for path in LOGINS for length in (str(MAX_BYTES + 1), "1" * 5000, "many")))
    @ddt.unpack
    def test_larger_body_is_refused_unread(self, path, length):
        response = self.send(path, CONTENT_LENGTH=length)
        assert response.status_code == 413
        assert response.content == b"Send no more than 16384 bytes.\n"

    @ddt.data(*LOGINS)
    def test_body_of_unknown_length_is_refused_unread(self, path):
        response = self.send(path, HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
        assert response.status_code == 411
        assert b"Content-Length" in response.content

    @ddt.data(*LOGINS)
    def test_largest_login_is_read(self, path):
        longest = {"email": "😀" * 254, "password": "😀" * 300, "next": "/" + "x" * 2047}
        fields = {**longest, "email_or_username": longest["email"], "username": "honor"}
        fields.pop("email" if resolve(path).url_name in ("signin_user", "xqueue-login") else "email_or_username")
        assert Client().post(path, fields).status_code not in (411, 413, 500)

    def test_result_of_a_grader_may_be_larger(self):
        client = Client()
        client.force_login(UserFactory(username="xqwatcher", groups=["xqueue"]))
        result = {"xqueue_header": "{}", "xqueue_body": "{}" + " " * 10 * MAX_BYTES}
        response = client.post("/xqueue/put_result/", result)
        assert response.status_code == 400
        assert response.json()["content"].startswith("Incorrect reply format")
