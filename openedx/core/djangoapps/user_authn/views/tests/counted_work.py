"""Count the passwords that a request hashes and the texts that it normalises."""

import sys
import unicodedata
from contextlib import contextmanager

from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import override_settings


class CountingHasher(MD5PasswordHasher):
    """A hasher that records the length of each password that it hashes."""

    algorithm = "counting"
    lengths = []

    def encode(self, password, salt):
        self.lengths.append(len(password))
        return super().encode(password, salt)


@contextmanager
def counting_hasher():
    """Hash passwords with ``CountingHasher`` inside this context."""
    with override_settings(PASSWORD_HASHERS=[f"{CountingHasher.__module__}.{CountingHasher.__name__}"]):
        yield


@contextmanager
def counted_work():
    """Yield two lists of the work done inside this context: lengths of hashed passwords, callers that normalised."""
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
