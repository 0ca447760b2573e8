"""The endpoints that sign in with a password."""

from common.djangoapps.student.tests.factories import TEST_PASSWORD

# By name: the path, the field of the identifier, and the attribute of the account that is sent in it.
ENDPOINTS = {
    "login_ajax": ("/login_ajax", "email", "email"),
    "login_session_v1": ("/api/user/v1/account/login_session/", "email", "email"),
    "login_session_legacy": ("/user_api/v1/account/login_session/", "email", "email"),
    "login_session_v2": ("/api/user/v2/account/login_session/", "email_or_username", "username"),
    "sign_in_page": ("/login", "email_or_username", "email"),
    "xqueue": ("/xqueue/login/", "username", "username"),
}
JSON_ENDPOINTS = ["login_ajax", "login_session_v1", "login_session_legacy", "login_session_v2"]


def sign_in_at(endpoint, client, user, password=TEST_PASSWORD):
    """Sign in through one of ``ENDPOINTS``. Return the response."""
    path, field, attribute = ENDPOINTS[endpoint]
    return client.post(path, {field: getattr(user, attribute), "password": password})
