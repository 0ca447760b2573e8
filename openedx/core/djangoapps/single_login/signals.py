"""What the app tells others."""

from django.dispatch import Signal

# Sent when a session of ``user`` was ended because the account signed in elsewhere, or is no longer exempt. Receivers
# get ``user`` and ``session_key``, which is not to be logged. What a receiver raises is logged, and no more.
session_evicted = Signal()
