"""Settings for production: the defaults, and over them the lms.yml that the environment variable LMS_CFG names."""

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
# A load balancer asks from inside, where there is no TLS.
SECURE_REDIRECT_EXEMPT = [r"^heartbeat$"]
# Whether every subdomain is on TLS, and may be preloaded, is for the site to say.
SILENCED_SYSTEM_CHECKS += ["security.W005", "security.W021"]  # noqa: F405

LMS_CFG = os.environ.get("LMS_CFG")
_config = yaml_config.read(LMS_CFG)
_config["FEATURES"] = yaml_config.merge_features(FEATURES, _config)  # noqa: F405
vars().update(_config)

if not vars().get("SECRET_KEY"):
    raise ImproperlyConfigured(f"SECRET_KEY is missing from {LMS_CFG}. Add a long random string of your own.")

plugin_settings(sys.modules[__name__])
add_plugins(__name__, "lms.djangoapp", "production")
