"""What a request costs the server: the passwords that it hashes, and the texts that it normalises."""

import sys
import unicodedata
from contextlib import contextmanager

from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import override_settings


class CountingHasher(MD5PasswordHasher):
    """A hasher that remembers how long the passwords were that it hashed."""

    algorithm = "counting"
    lengths = []

    def encode(self, password, salt):
        self.lengths.append(len(password))
        return super().encode(password, salt)


@contextmanager
def counting_hasher():
    """Hash passwords with CountingHasher."""
    with override_settings(PASSWORD_HASHERS=[f"{CountingHasher.__module__}.{CountingHasher.__name__}"]):
        yield


@contextmanager
def counted_work():
    """Yield two lists: of the lengths of the passwords hashed within this context, and of the normalisations."""
    CountingHasher.lengths.clear()
    normalized = []

    def note(frame, event, called):
        if event == "c_call" and called is unicodedata.normalize:
            normalized.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        yield CountingHasher.lengths, normalized
    finally:
        sys.setprofile(None)
