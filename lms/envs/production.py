"""Settings for production: the defaults, then lms.yml, which the environment variable LMS_CFG names."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from edx_django_utils.plugins import add_plugins

from openedx.core.djangoapps.single_login.settings import plugin_settings

from . import yaml_config
from .common import *  # noqa: F403

SESSION_ENGINE = "django.contrib.sessions.backends.cache"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# Load balancers ask for it over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^heartbeat$"]
# HSTS for subdomains (W005) and preloading (W021): only the site knows whether every subdomain has TLS.
SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "security.W005", "security.W021"]  # noqa: F405

LMS_CFG = os.environ.get("LMS_CFG")
_config = yaml_config.read(LMS_CFG)
_config["FEATURES"] = yaml_config.merge_features(FEATURES, _config)  # noqa: F405
vars().update(_config)

if not vars().get("SECRET_KEY"):
    raise ImproperlyConfigured(f"SECRET_KEY is missing from {LMS_CFG}. Add a long random string.")

plugin_settings(sys.modules[__name__])
add_plugins(__name__, "lms.djangoapp", "production")
