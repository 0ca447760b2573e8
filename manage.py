#!/usr/bin/env python
"""
Run a management command of a system, as on edx-platform: ``./manage.py lms COMMAND --settings=devstack``.

The first of these that is set chooses the settings module:

1. ``--settings=NAME``: the module ``lms.envs.NAME``
2. the environment variable DJANGO_SETTINGS_MODULE: the module of this full name
3. the environment variable EDX_PLATFORM_SETTINGS: the module ``lms.envs.<its value>``
4. the environment variable LMS_CFG: ``lms.envs.production``

Without any of them it is ``lms.envs.devstack``.
"""

import os
import sys
from argparse import ArgumentParser

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

SYSTEMS = ["lms"]


def settings_module(system, name):
    """Return the full name of the settings module. ``name`` is the value of ``--settings``, or None."""
    if not name and os.environ.get("DJANGO_SETTINGS_MODULE"):
        return os.environ["DJANGO_SETTINGS_MODULE"]
    default = "production" if os.environ.get("LMS_CFG") else "devstack"
    return f"{system}.envs.{name or os.environ.get('EDX_PLATFORM_SETTINGS') or default}"


def main(argv):
    """Run the command in ``argv``. A faulty setting is one message; ``--traceback`` shows where it was raised."""
    parser = ArgumentParser(prog=argv[0], usage="%(prog)s {lms} COMMAND [--settings=NAME] ...", add_help=False)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--settings")
    options, rest = parser.parse_known_args(argv[1:])
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module(options.system, options.settings)
    try:
        execute_from_command_line([f"{argv[0]} {options.system}", *rest])
    except ImproperlyConfigured as error:
        if "--traceback" in rest:
            raise
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv)
