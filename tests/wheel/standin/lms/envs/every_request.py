"""The LMS of ``test`` with the check at every request."""

from edx_django_utils.plugins import add_plugins

from lms.envs.test import *  # noqa: F403

SINGLE_LOGIN_CHECK_EVERY_REQUEST = True

add_plugins(__name__, "lms.djangoapp", "test")
