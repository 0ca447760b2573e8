"""The LMS of ``production`` with the check at every request."""

from edx_django_utils.plugins import add_plugins

from lms.envs.production import *  # noqa: F403

SINGLE_LOGIN_CHECK_EVERY_REQUEST = True

add_plugins(__name__, "lms.djangoapp", "production")
