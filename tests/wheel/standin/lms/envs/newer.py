"""The LMS of a newer platform, which exempts accounts itself."""

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

INSTALLED_APPS = installed_apps("lms.djangoapp", "newer")  # noqa: F405

add_plugins(__name__, "lms.djangoapp", "test")
