"""The LMS of a newer platform with its own exemption, with or without the wheel."""

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

INSTALLED_APPS = installed_apps(PROJECT, "newer")  # noqa: F405

add_plugins(__name__, PROJECT, "test")  # noqa: F405
