"""
A process of the stand-in in which browsers sign in or load a page.

In the arguments "browser:account" signs in, and "browser" loads a page. The process reads the cookies of the browsers
as JSON, and writes them with the list of the browsers that are signed in.
"""

import json
import sys

import django
from django.conf import settings

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

PASSWORD = "Password1234"


def browser_of(cookie):
    """Return a browser with the session cookie ``cookie``, if it is given."""
    browser = Client()
    if cookie:
        browser.cookies[settings.SESSION_COOKIE_NAME] = cookie
    return browser


def main():
    """Serve the visits."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    accounts = get_user_model().objects
    cookies, signed_in = json.load(sys.stdin), []
    for visit in sys.argv[1:]:
        name, _, account = visit.partition(":")
        browser = browser_of(cookies.get(name))
        if account:
            email = f"{account}@example.com"
            if not accounts.filter(email=email).exists():
                accounts.create_user(account, email, PASSWORD)
            assert browser.post("/login_ajax", {"email": email, "password": PASSWORD}).status_code == 200
        if browser.get("/dashboard").status_code == 200:
            signed_in.append(name)
        morsel = browser.cookies.get(settings.SESSION_COOKIE_NAME)
        cookies[name] = morsel.value if morsel else ""
    json.dump([cookies, signed_in], sys.stdout)


main()
