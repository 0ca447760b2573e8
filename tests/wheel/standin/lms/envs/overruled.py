"""The LMS with one more settings file, which comes after the plugins and puts the site's own sessions back."""

from common import envs
from lms.envs.production_every_request import *  # noqa: F403

SESSION_ENGINE = "django.contrib.sessions.backends.cache"
MIDDLEWARE = envs.MIDDLEWARE
