"""The LMS of a newer platform, which exempts accounts itself; with the wheel, or without it."""

import os

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

# No plugin is registered for the other project.
PLUGINS = "no.plugins" if os.environ.get("NEWER_WITH_WHEEL") == "no" else "lms.djangoapp"
INSTALLED_APPS = installed_apps(PLUGINS, "newer")  # noqa: F405

PROJECT = PLUGINS

add_plugins(__name__, PLUGINS, "test")
