"""The settings of ``flags`` for another Django project, without the app ``student``."""

from lms.envs.flags import *  # noqa: F403

INSTALLED_APPS.remove("common.djangoapps.student")  # noqa: F405
