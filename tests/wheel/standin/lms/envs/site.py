"""The LMS of a site whose database and sessions outlive a process."""

import os
from pathlib import Path

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

INSTALLED_APPS = installed_apps(PROJECT)  # noqa: F405
DATABASES = {"default": {**DATABASES["default"], "NAME": Path("site.sqlite3").resolve()}}  # noqa: F405
SESSION_ENGINE = f"django.contrib.sessions.backends.{os.environ['ENGINE']}"
SESSION_FILE_PATH = Path.cwd()
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": Path("cache").resolve()}
}
SINGLE_LOGIN_EXEMPT_USERNAMES = os.environ["EXEMPT"].split()
SINGLE_LOGIN_CHECK_EVERY_REQUEST = os.environ["CHECK_EVERY_REQUEST"] == "true"

add_plugins(__name__, PROJECT, "production")  # noqa: F405
