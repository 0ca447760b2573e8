"""
A process of the stand-in in which browsers visit a site, and everything that they and its database see is recorded.

The argument is a list of sites in JSON. A site is its settings module and FLAGS. Each site is served by its own
process, forked from this one before any settings are read. The records are printed as a list in JSON.
"""

import inspect
import io
import json
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from multiprocessing import get_context
from weakref import ReferenceType

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.management import execute_from_command_line
from django.db import connection
from django.test import Client

# Each site imports these, and they need no settings. To import them once, before the forks, saves half of the time.
HEAVY = ["click", "django.db.backends.sqlite3.base", "django.db.migrations.executor", "jwt", "nacl.public", "requests"]
for module in HEAVY:
    import_module(module)

PASSWORD, NEW_PASSWORD = "Password1234", "Different5678"
# bert has no profile, worker is in the group "graders".
ACCOUNTS = ("anna", "bert", "worker")
# A browser, what it does, and the account that signs in.
VISITS = [
    ("a", "login", "anna"),
    ("a", "dashboard"),
    ("a", "api"),
    ("b", "login", "anna"),
    ("a", "dashboard"),
    ("a", "api"),
    ("b", "login", "anna"),
    ("b", "dashboard"),
    ("b", "login", "anna"),
    ("b", "api"),
    ("b", "password"),
    ("b", "dashboard"),
    ("c", "wrong", "anna"),
    ("c", "login", "bert"),
    ("c", "logout"),
    ("b", "login", "bert"),
    ("b", "logout"),
    ("b", "dashboard"),
    ("d", "login", "worker"),
    ("e", "login", "worker"),
    ("d", "dashboard"),
    ("d", "logout"),
    ("e", "dashboard"),
]
# Text that differs each time, and what is recorded for it.
DIFFERENT_EACH_TIME = [
    (re.compile(r"(expires=)[^;\"]+"), r"\1<a time>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?(\+00:00)?"), "<a time>"),
    (re.compile(r"(jwt-cookie-[a-z-]+=)[\w.-]+"), r"\1<a token>"),
    (re.compile(r"md5\$\w+\$[0-9a-f]{32}"), "<a password>"),
    # The content of a session as the database has it. It is recorded once more, decoded.
    (re.compile(r"[\w.-]+:[\w-]{6}:[\w-]{43}"), "<a signed text>"),
    (re.compile(r"(csrftoken=)\w+"), r"\1<a token>"),
    (re.compile(r"(SAVEPOINT \\\"s)\d+"), r"\1<a thread>"),
]
SESSION_KEY_OR_HASH = re.compile(r"(?<![0-9a-z])[0-9a-z]{32}(?:[0-9a-f]{32})?(?![0-9a-z])")


def name_of(function):
    """Return the module and the name of ``function``."""
    return f"{function.__module__}.{function.__qualname__}"


def is_ours(function):
    """Tell whether ``function`` is the wheel's."""
    return function.__module__.startswith("openedx_single_login")


def neighbour(user, **kwargs):
    """A receiver of another app."""


def receivers_of(signal):
    """Return the receivers of ``signal``, in their order."""
    receivers = [receiver for _, receiver, *_ in signal.receivers]
    return [receiver() if isinstance(receiver, ReferenceType) else receiver for receiver in receivers]


def run(*arguments):
    """Run a management command. Return its exit code and what it writes."""
    written, code = io.StringIO(), 0
    with redirect_stdout(written), redirect_stderr(written):
        try:
            execute_from_command_line(["manage.py", *arguments])
        except SystemExit as error:
            code = error.code
        except Exception as error:
            # Python itself would print a traceback, and exit 1.
            code = repr(error)
    return [code, written.getvalue()]


def show_settings():
    """Return the site's settings. The wheel is not one of its apps here, and each side has its own PROJECT."""
    shown = {name: repr(getattr(settings, name)) for name in dir(settings) if name.isupper() and name != "PROJECT"}
    apps = [name for name in settings.INSTALLED_APPS if not name.startswith("openedx_single_login")]
    return {**shown, "INSTALLED_APPS": repr(apps)}


class Site:
    """The site, its people and their browsers."""

    def __init__(self):
        from django.contrib.auth.models import Group, User

        from common.djangoapps.student.models import UserProfile

        for name in ACCOUNTS:
            password = make_password(PASSWORD, "a-salt-of-enough-bits-")
            user = User.objects.create(username=name, email=f"{name}@example.com", password=password)
            if name != "bert":
                UserProfile.objects.create(user=user, name=name)
        Group.objects.create(name="graders").user_set.add(user)
        self.profiles = UserProfile.objects.order_by("pk")
        self.browsers = {}
        signals = (user_logged_in, user_logged_out)
        theirs = [receiver for signal in signals for receiver in receivers_of(signal) if not is_ours(receiver)]
        # Of a platform that the wheel does not know, the method may have another name.
        theirs.append(inspect.unwrap(getattr(UserProfile, "set_login_session", neighbour)))
        self.followed = {function.__code__: name_of(function) for function in theirs}

    def visit(self, name, action, account=None):
        """Let a browser visit the site. Return what is seen of it."""
        browser = self.browsers.setdefault(name, Client(raise_request_exception=False))
        statements, calls = [], []

        def note_statement(execute, sql, params, many, context):
            statements.append([sql, repr(params)])
            return execute(sql, params, many, context)

        def note_call(frame, event, argument):
            if event == "call" and frame.f_code in self.followed:
                arguments = {name: repr(value) for name, value in frame.f_locals.items() if name == "session_id"}
                calls.append([self.followed[frame.f_code], arguments])

        with connection.execute_wrapper(note_statement):
            sys.setprofile(note_call)
            try:
                response = getattr(self, action)(browser, account)
            finally:
                sys.setprofile(None)
        error = getattr(response, "exc_info", None)
        return {
            "visit": [name, action, account],
            "status": response.status_code,
            "headers": sorted(response.headers.items()),
            "body": response.content.decode(),
            "cookies": [morsel.OutputString() for morsel in response.cookies.values()],
            "error": repr(error[1]) if error else None,
            "statements": statements,
            "calls": calls,
            "sessions": self.read_sessions(),
            "profiles": list(self.profiles.values_list("user__username", "name", "meta")),
        }

    def login(self, browser, account, password=PASSWORD):
        """Sign in."""
        return browser.post("/login_ajax", {"email": f"{account}@example.com", "password": password})

    def wrong(self, browser, account):
        """Try to sign in with a wrong password."""
        return self.login(browser, account, "wrong")

    def dashboard(self, browser, account):
        """Load a page that needs a session."""
        return browser.get("/dashboard")

    def api(self, browser, account):
        """Call an API with the JWT cookies."""
        return browser.get("/api/user/v1/me", HTTP_USE_JWT_COOKIE="true")

    def password(self, browser, account):
        """Change the password."""
        data = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        return browser.post("/admin/password_change/", data)

    def logout(self, browser, account):
        """Sign out."""
        return browser.get("/logout")

    def read_sessions(self):
        """Return the content of the sessions in the database, the oldest first."""
        from django.contrib.sessions.models import Session
        from django.db.models.expressions import RawSQL

        return [[row.pk, row.get_decoded()] for row in Session.objects.order_by(RawSQL("rowid", ()))]


def serve(site):
    """Start the site and let the browsers visit it. Return the record."""
    os.environ["DJANGO_SETTINGS_MODULE"], os.environ["FLAGS"] = site["module"], json.dumps(site["flags"])
    user_logged_in.connect(neighbour)
    user_logged_out.connect(neighbour)
    # The first command starts the platform.
    commands = {"check": run("check"), "migrate": run("migrate")}
    run("migrate", "--run-syncdb")
    commands["migrate again"] = run("migrate")
    commands["check the database"] = run("check", "--database", "default", "--fail-level", "WARNING")
    signals = {"user_logged_in": user_logged_in, "user_logged_out": user_logged_out}
    record = {
        "commands": commands,
        "settings": show_settings(),
        "flag": repr((getattr(settings, "FEATURES", None) or {}).get("PREVENT_CONCURRENT_LOGINS")),
        "receivers": {name: list(map(name_of, receivers_of(signal))) for name, signal in signals.items()},
    }
    at_site = Site()
    record["visits"] = [at_site.visit(*visit) for visit in VISITS]
    return without_differences(record)


def without_differences(record):
    """Return ``record`` without what differs each time. A session key becomes the number of its first appearance."""
    text = json.dumps(record)
    for pattern, instead in DIFFERENT_EACH_TIME:
        text = pattern.sub(instead, text)
    numbers = {}
    text = SESSION_KEY_OR_HASH.sub(lambda match: f"<key {numbers.setdefault(match[0], len(numbers) + 1)}>", text)
    return json.loads(text)


def serve_in_a_child(site):
    """Serve ``site`` in its own process. Return the record."""
    receiver, sender = get_context("fork").Pipe(duplex=False)
    child = get_context("fork").Process(target=lambda: sender.send(serve(site)))
    child.start()
    sender.close()
    record = receiver.recv()
    child.join()
    return record


if __name__ == "__main__":
    json.dump([serve_in_a_child(site) for site in json.loads(sys.argv[1])], sys.stdout)
