"""The models of the stand-in platform."""

from .user import UserProfile, enforce_single_login

__all__ = ["UserProfile", "enforce_single_login"]
