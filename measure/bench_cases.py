"""The account that signs in, and the settings that it signs in under."""

USERNAME, GROUP, PASSWORD = "xqwatcher", "xqueue", "edx"
ON = {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True, "SQUELCH_PII_IN_LOGS": True}}
OFF = {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": False, "SQUELCH_PII_IN_LOGS": True}}
SCENARIOS = {
    "protection off": OFF,
    "exempt by username": {**ON, "SINGLE_LOGIN_EXEMPT_USERNAMES": [USERNAME]},
    "exempt by group": {**ON, "SINGLE_LOGIN_EXEMPT_GROUPS": [GROUP]},
    "not exempt": ON,
    "not exempt, groups configured": {**ON, "SINGLE_LOGIN_EXEMPT_GROUPS": ["another"]},
}


def create_account():
    """Create the account, in its group, with a profile."""
    from django.contrib.auth.models import Group, User

    from common.djangoapps.student.models import UserProfile

    user = User.objects.create_user(USERNAME, f"{USERNAME}@example.com", PASSWORD)
    user.groups.add(Group.objects.create(name=GROUP))
    UserProfile.objects.create(user=user, name=USERNAME)


def account(username=USERNAME):
    """Return the account as the database has it, with nothing of it cached."""
    from django.contrib.auth.models import User

    return User.objects.get(username=username)


def login_signal(user):
    """Return what the receiver gets when ``user`` signs in with a new session."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import SESSION_KEY
    from django.contrib.auth.signals import user_logged_in
    from django.test import RequestFactory

    request = RequestFactory().post("/login_ajax")
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    request.session[SESSION_KEY] = str(user.pk)
    request.session.create()
    return {"sender": type(user), "request": request, "user": user, "signal": user_logged_in}


def receive(signal):
    """Run the receiver, in a transaction of its own, to the commit."""
    from django.db import transaction

    from common.djangoapps.student.models import enforce_single_login

    with transaction.atomic():
        enforce_single_login(**signal)


def visitor():
    """Return a client that has not signed in."""
    from django.test import Client

    return Client(SERVER_NAME="127.0.0.1")


def sign_in(client):
    """Sign in through the login endpoint."""
    response = client.post("/login_ajax", {"email": f"{USERNAME}@example.com", "password": PASSWORD})
    if response.status_code != 200:
        raise RuntimeError(f"The login was answered {response.status_code}: {response.content!r}")
