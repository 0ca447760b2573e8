"""The LMS with another settings file after the plugins, which sets SESSION_ENGINE again."""

from common import envs
from lms.envs.production_every_request import *  # noqa: F403

SESSION_ENGINE = "django.contrib.sessions.backends.cache"
MIDDLEWARE = envs.MIDDLEWARE
