"""A visitor of the LMS: one browser's worth of cookies, and an account to sign in with."""

from collections import Counter

import requests

TIMEOUT = 120


class Browser:
    """A visitor with the CSRF cookie, ready to sign in; ``statuses`` counts what it was answered."""

    def __init__(self, url, email, password="edx"):  # noqa: S107
        self.url = url
        self.credentials = {"email": email, "password": password}
        self.endpoint = f"{url}/api/user/v1/account/login_session/"
        self.session = requests.Session()
        # As a proxy does: a connection that gunicorn closes for idleness at the moment of a request is nobody's fault.
        self.session.headers["Connection"] = "close"
        self.statuses = Counter()
        self.session.get(self.endpoint, timeout=TIMEOUT)

    def sign_in(self, barrier=None, **headers):
        """Sign in, at the moment that ``barrier`` opens; return the status and the session key that was handed out."""
        headers = {"X-CSRFToken": self.session.cookies["csrftoken"], "Referer": self.url, **headers}
        if barrier is not None:
            barrier.wait()
        response = self._send("POST", self.endpoint, data=self.credentials, headers=headers)
        return response.status_code, response.cookies.get("sessionid")

    def is_signed_in(self):
        """Tell whether the dashboard opens."""
        return self._send("GET", f"{self.url}/dashboard").status_code == 200

    def sign_out(self):
        """Sign out; return the status."""
        return self._send("GET", f"{self.url}/logout").status_code

    def _send(self, method, url, **kwargs):
        response = self.session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **kwargs)
        self.statuses[response.status_code] += 1
        if "Traceback" in response.text:
            raise AssertionError(f"{url} answered a stack trace: {response.text}")
        return response
