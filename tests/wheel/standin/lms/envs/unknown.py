"""Settings of some other Django project, without the app ``student``."""

from common.envs import *  # noqa: F403

INSTALLED_APPS = installed_apps("lms.djangoapp")[:-1]  # noqa: F405
