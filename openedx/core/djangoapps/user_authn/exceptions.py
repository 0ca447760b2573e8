"""The errors of an attempt to sign in."""

from http import HTTPStatus


class AuthFailedError(Exception):
    """
    Nobody was signed in: the login failed, was limited or could not be tried.

    ``value`` is the message to show. ``error_code`` tells programs the reason, if they need to know it.
    """

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, value, error_code=None):
        super().__init__(value)
        self.value = value
        self.error_code = error_code

    def get_response(self):
        """Return the body of the answer of the login API."""
        response = {"success": False, "value": str(self.value)}
        if self.error_code:
            response["error_code"] = self.error_code
        return response


class InactiveAccountError(AuthFailedError):
    """The password is right, but the account is inactive."""

    def __init__(self):
        super().__init__("Your account is not active. Please contact support.", "inactive-user")


class TooManyAttemptsError(AuthFailedError):
    """The login was limited: too many have failed. The password was not checked."""

    def __init__(self):
        super().__init__("Too many failed login attempts. Try again later.")


class CannotCountError(AuthFailedError):
    """The password was not checked: the cache could not count a failed login."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self):
        super().__init__("Signing in is not possible at the moment. Try again later.", "service-unavailable")
