"""Signing in with Django's test client, in the process of the test."""

from django.conf import settings
from django.test import Client, override_settings

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD


def sign_in(user, client=None, password=TEST_PASSWORD):
    """Sign in, in a new browser or again in ``client``. Return the browser and the status."""
    client = client or Client()
    return client, client.post("/login_ajax", {"email": user.email, "password": password}).status_code


def recorded(user):
    """Return the session key on record, or None."""
    return UserProfile.objects.get(user=user).get_meta().get("session_id")


def key_of(client):
    """Return the session key of a browser without loading the session."""
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def is_accepted(session_key):
    """Tell whether a session with this key is accepted."""
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session_key
    with override_settings(SESSION_SAVE_EVERY_REQUEST=False):
        return client.get("/dashboard").status_code == 200
