"""What can go wrong when somebody signs in."""

from django.utils.translation import gettext as _


class AuthFailedError(Exception):
    """
    A refused login.

    ``value`` is the message for the person, ``error_code`` the name of the reason for programs, where there is one.
    """

    def __init__(self, value, error_code=None):
        super().__init__(value)
        self.value = value
        self.error_code = error_code

    def get_response(self):
        """Return the refusal as the dict that the login endpoints answer."""
        response = {"success": False, "value": str(self.value)}
        if self.error_code:
            response["error_code"] = self.error_code
        return response


class TooManyAttemptsError(AuthFailedError):
    """A login that was not looked at, because too many before it were refused."""

    def __init__(self):
        super().__init__(_("Too many failed login attempts. Try again later."))
