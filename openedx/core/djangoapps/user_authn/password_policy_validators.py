"""What a password may be: said once, for the forms that set one and for the endpoints that are sent one."""

import unicodedata

from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# No character in Unicode is composed of more.
MOST_COMPOSED = 4


class MaximumLengthValidator:
    """A password has at most ``max_length`` characters."""

    def __init__(self, max_length=75):
        self.max_length = max_length

    def validate(self, password, user=None):
        """Raise ValidationError when ``password`` is too long."""
        if len(password) > self.max_length:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self):
        """Return the rule, for people."""
        return _("Your password must contain no more than %d characters.") % self.max_length


def get_max_length():
    """Return how long a password may be: what AUTH_PASSWORD_VALIDATORS says, or else the platform's default."""
    validators = [each for each in get_default_password_validators() if isinstance(each, MaximumLengthValidator)]
    return min(each.max_length for each in validators or [MaximumLengthValidator()])


def normalize_password(password):
    """
    Return ``password`` in NFKC, as accounts have it, or None when it is longer than any account's.

    Normalising takes time that grows with the square of the length, so the length is looked at first.
    """
    max_length = get_max_length()
    if len(password) > MOST_COMPOSED * max_length:
        return None
    normalized = unicodedata.normalize("NFKC", password)
    return normalized if len(normalized) <= max_length else None
