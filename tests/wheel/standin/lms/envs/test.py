"""The LMS with sessions in the database and a transaction for each request."""

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

INSTALLED_APPS = installed_apps("lms.djangoapp")  # noqa: F405

add_plugins(__name__, "lms.djangoapp", "test")
