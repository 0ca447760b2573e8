"""The LMS with sessions in the cache, no transaction for a request, and an lms.yml in JSON, which is YAML too."""

import json
import os
from pathlib import Path

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

INSTALLED_APPS = installed_apps("lms.djangoapp")  # noqa: F405
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
DATABASES = {"default": {**DATABASES["default"], "ATOMIC_REQUESTS": False}}  # noqa: F405

if "LMS_CFG" in os.environ:
    vars().update(json.loads(Path(os.environ["LMS_CFG"]).read_text()))

add_plugins(__name__, "lms.djangoapp", "production")
