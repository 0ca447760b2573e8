"""Studio, without the LMS."""

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

PROJECT = "cms.djangoapp"
INSTALLED_APPS = installed_apps("cms.djangoapp")  # noqa: F405

add_plugins(__name__, "cms.djangoapp", "test")
