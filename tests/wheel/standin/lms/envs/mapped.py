"""The LMS of a newer platform: the flag is at the top level, and FEATURES is a mapping over this module."""

from common.envs import *  # noqa: F403
from common.features import Features
from edx_django_utils.plugins import add_plugins

INSTALLED_APPS = installed_apps(PROJECT)  # noqa: F405
PREVENT_CONCURRENT_LOGINS = True
FEATURES = Features(globals())

add_plugins(__name__, PROJECT, "production")  # noqa: F405
