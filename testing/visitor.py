"""A visitor of an LMS: a browser with cookies, and an account."""

from collections import Counter

import requests

# Of every account that measurements, tests and the demo create.
PASSWORD = "edx"  # noqa: S105
TIMEOUT = 120
LOGIN = "/api/user/v2/account/login_session/"
XQUEUE_LOGIN = "/xqueue/login/"


class Browser:
    """A browser for ``account``, a username or an e-mail address. ``statuses`` counts the answers by their status."""

    def __init__(self, url, account, password=PASSWORD):
        self.url, self.account, self.password = url, account, password
        self.session = requests.Session()
        # Retry as a proxy does: gunicorn may close an idle connection just when a request is sent.
        self.session.headers["Connection"] = "close"
        self.statuses = Counter()

    def tab(self):
        """Return another tab, with a copy of the cookies of this one."""
        tab = Browser(self.url, self.account, self.password)
        tab.session.cookies.update(self.session.cookies)
        return tab

    @property
    def session_key(self):
        """The session key in the cookie, or None. edx-platform wraps the key in other values."""
        cookies = {cookie.name: cookie.value for cookie in self.session.cookies}
        value = next((value for name, value in cookies.items() if name.endswith("sessionid")), None)
        return value.split("|")[1] if value and "|" in value else value

    def open(self):
        """Open the sign-in page, which sets the CSRF cookie. Return the browser."""
        self.request("GET", LOGIN)
        return self

    def sign_in(self, **headers):
        """Sign in. Return the status and the new session key."""
        if "csrftoken" not in self.session.cookies:
            self.open()
        data = {"email_or_username": self.account, "password": self.password}
        response = self.request("POST", LOGIN, data=data, headers=headers)
        return response.status_code, self.session_key if response.ok else None

    def sign_in_to_xqueue(self):
        """Delete the cookies and sign in as xqueue-watcher does. Return the status."""
        self.session.cookies.clear()
        self.request("GET", XQUEUE_LOGIN)
        data = {"username": self.account, "password": self.password}
        return self.request("POST", XQUEUE_LOGIN, data=data).status_code

    def is_signed_in(self):
        """Tell whether the dashboard does not redirect to the sign-in page."""
        response = self.request("GET", "/dashboard")
        return response.ok and "/login" not in response.headers.get("Location", "")

    def sign_out(self):
        """Sign out. Return the status."""
        return self.request("GET", "/logout").status_code

    def request(self, method, path, headers=(), **arguments):
        """Send a request with its CSRF token. Return the response. Redirects are not followed."""
        headers = {"X-CSRFToken": self.session.cookies.get("csrftoken", ""), "Referer": self.url, **dict(headers)}
        response = self.session.request(
            method, self.url + path, headers=headers, timeout=TIMEOUT, allow_redirects=False, **arguments
        )
        self.statuses[response.status_code] += 1
        if "Traceback" in response.text:
            raise AssertionError(f"{path} answered a stack trace: {response.text}")
        return response
