"""The LMS with the settings in FLAGS, in JSON. It has no FEATURES but those. LAST_APP may name one more app."""

import json
import os

from common.envs import *  # noqa: F403
from edx_django_utils.plugins import add_plugins

del FEATURES  # noqa: F821
FLAGS = json.loads(os.environ["FLAGS"])
vars().update(FLAGS)
INSTALLED_APPS = installed_apps(PROJECT, *filter(None, [FLAGS.get("LAST_APP")]))  # noqa: F405

add_plugins(__name__, PROJECT, "production")  # noqa: F405
