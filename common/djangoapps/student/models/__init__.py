"""The models of the student app, and its receivers of logins and logouts."""

from common.djangoapps.student.models.user import (
    UserProfile,
    enforce_single_login,
    log_successful_login,
    log_successful_logout,
)

__all__ = ["UserProfile", "enforce_single_login", "log_successful_login", "log_successful_logout"]
