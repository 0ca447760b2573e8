"""Hash passwords in NFKC, the form in which the login checks them."""

import unicodedata

from django.contrib.auth import hashers


class NormalizedPassword:
    """
    A mixin for password hashers: hash the password in NFKC.

    Everything that sets or checks a password asks the hasher: forms, commands, the admin and the login. So the same
    text opens the account, however it was set and on any keyboard it is typed.
    """

    def encode(self, password, *args, **kwargs):
        """Return the hash of ``password`` in NFKC."""
        return super().encode(unicodedata.normalize("NFKC", password), *args, **kwargs)

    def verify(self, password, encoded):
        """Tell whether ``encoded`` is the hash of ``password`` in NFKC. Some hashers do not call ``encode`` here."""
        return super().verify(unicodedata.normalize("NFKC", password), encoded)


class PBKDF2PasswordHasher(NormalizedPassword, hashers.PBKDF2PasswordHasher):
    """Django's default hasher, with the same name in the database."""


class MD5PasswordHasher(NormalizedPassword, hashers.MD5PasswordHasher):
    """A hasher that is fast, for tests. It is not safe for passwords of people."""
