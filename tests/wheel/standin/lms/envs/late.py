"""The LMS of a platform that connects its receiver after the plugins are ready."""

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

INSTALLED_APPS = installed_apps("lms.djangoapp", "late")  # noqa: F405

add_plugins(__name__, "lms.djangoapp", "test")
