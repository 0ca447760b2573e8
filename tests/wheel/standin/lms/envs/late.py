"""The LMS of a platform that connects its receiver when the plugins are ready already."""

from common.envs import *  # noqa: F403

INSTALLED_APPS = installed_apps("lms.djangoapp", "late")  # noqa: F405
