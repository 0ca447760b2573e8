"""Settings for production: the defaults, and over them the lms.yml that the environment variable LMS_CFG names."""

import os

from django.core.exceptions import ImproperlyConfigured
from edx_django_utils.plugins import add_plugins

from . import yaml_config
from .common import *  # noqa: F403

SESSION_ENGINE = "django.contrib.sessions.backends.cache"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

LMS_CFG = os.environ.get("LMS_CFG")
_config = yaml_config.read(LMS_CFG)
_features = yaml_config.merge_features(FEATURES, _config)  # noqa: F405
vars().update(_config)
FEATURES = _features
PREVENT_CONCURRENT_LOGINS = FEATURES["PREVENT_CONCURRENT_LOGINS"]

if not vars().get("SECRET_KEY"):
    raise ImproperlyConfigured(f"SECRET_KEY is missing from {LMS_CFG}. Add a long random string of your own.")

add_plugins(__name__, "lms.djangoapp", "production")
