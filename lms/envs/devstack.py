"""Settings for development: debug mode and SQLite."""

import sys

from edx_django_utils.plugins import add_plugins

from openedx.core.djangoapps.single_login.settings import plugin_settings

from .common import *  # noqa: F403

DEBUG = True
SECRET_KEY = "devstack only: with this key, anybody can sign in as any user"  # noqa: S105
ALLOWED_HOSTS = ["*"]
WHITENOISE_USE_FINDERS = True

DATA_DIR.mkdir(exist_ok=True)  # noqa: F405

plugin_settings(sys.modules[__name__])
add_plugins(__name__, "lms.djangoapp", "devstack")
