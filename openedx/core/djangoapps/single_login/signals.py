"""The signal that the app sends."""

from django.dispatch import Signal

# Sent when a session was ended by a later login or by the check at every request. Receivers get ``user``,
# ``session_key``, which must never be logged, and ``reason``, as in the audit line. Errors of receivers are logged.
session_evicted = Signal()
