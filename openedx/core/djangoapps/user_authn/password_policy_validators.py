"""The maximum length of a password, for the forms that set one and for the login endpoints."""

import unicodedata

from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError

# The most characters that NFKC composes into one.
MOST_COMPOSED = 4


class MaximumLengthValidator:
    """Refuses a password of more than ``max_length`` characters in NFKC, as the login does."""

    def __init__(self, max_length=75):
        self.max_length = max_length

    def validate(self, password, user=None):
        """Raise ValidationError when ``password`` is too long."""
        if _normalize(password, self.max_length) is None:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self):
        """Return the limit as a sentence."""
        return f"Your password must contain no more than {self.max_length} characters."


def normalize_password(password):
    """Return ``password`` in NFKC, or None if it is longer than AUTH_PASSWORD_VALIDATORS allows."""
    validators = [each for each in get_default_password_validators() if isinstance(each, MaximumLengthValidator)]
    return _normalize(password, min(each.max_length for each in validators or [MaximumLengthValidator()]))


def _normalize(password, max_length):
    """
    Return ``password`` in NFKC, or None if it is longer than ``max_length`` then.

    The length is checked first: the time to normalise a text grows with the square of its length.
    """
    if len(password) > MOST_COMPOSED * max_length:
        return None
    normalized = unicodedata.normalize("NFKC", password)
    return normalized if len(normalized) <= max_length else None
