"""Settings of another Django project, without the app ``student``."""

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

INSTALLED_APPS = installed_apps("lms.djangoapp")[:-1]  # noqa: F405

add_plugins(__name__, "lms.djangoapp", "test")
