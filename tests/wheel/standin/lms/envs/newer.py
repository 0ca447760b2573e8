"""The LMS of a newer platform with its own exemption, with or without the wheel."""

import os

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

# No plugin is registered for this project.
PLUGINS = "no.plugins" if os.environ.get("NEWER_WITH_WHEEL") == "no" else "lms.djangoapp"
INSTALLED_APPS = installed_apps(PLUGINS, "newer")  # noqa: F405

PROJECT = PLUGINS

add_plugins(__name__, PLUGINS, "test")
