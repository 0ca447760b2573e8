"""The LMS of a newer platform, which exempts accounts itself."""

from common.envs import *  # noqa: F403

INSTALLED_APPS = installed_apps("lms.djangoapp", "newer")  # noqa: F405
