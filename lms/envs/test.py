"""Settings for the tests: SQLite and the cache in memory, and a fast password hash."""

import sys
from tempfile import TemporaryDirectory

from edx_django_utils.plugins import add_plugins

from openedx.core.djangoapps.single_login.settings import plugin_settings

from .common import *  # noqa: F403

SECRET_KEY = "test only"  # noqa: S105
ALLOWED_HOSTS = ["*"]
_sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
# A second connection to the same data.
DATABASES = {"default": _sqlite, "accounts": {**_sqlite, "TEST": {"MIRROR": "default"}}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# Removed when the process ends.
_sessions = TemporaryDirectory()
SESSION_FILE_PATH = _sessions.name
PASSWORD_HASHERS = ["openedx.core.djangoapps.user_authn.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True

plugin_settings(sys.modules[__name__])
add_plugins(__name__, "lms.djangoapp", "test")
