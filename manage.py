#!/usr/bin/env python
"""
Run a management command of a system, as on edx-platform: ``./manage.py lms COMMAND --settings=devstack``.

The settings are the first of these that is there: ``--settings``, which names a module of ``lms.envs``; the environment
variables DJANGO_SETTINGS_MODULE, with its whole path, and EDX_PLATFORM_SETTINGS, without; ``production``, if LMS_CFG
names an lms.yml; ``devstack``.
"""

import os
import sys
from argparse import ArgumentParser

from django.core.management import execute_from_command_line

SYSTEMS = ["lms"]


def settings_module(system, name):
    """Return the path of the settings of ``system`` that ``name`` chooses; without a name the environment does."""
    if not name and os.environ.get("DJANGO_SETTINGS_MODULE"):
        return os.environ["DJANGO_SETTINGS_MODULE"]
    default = "production" if os.environ.get("LMS_CFG") else "devstack"
    return f"{system}.envs.{name or os.environ.get('EDX_PLATFORM_SETTINGS') or default}"


def main(argv):
    """Run the command that ``argv`` names."""
    parser = ArgumentParser(prog=argv[0], usage="%(prog)s {lms} COMMAND [--settings=NAME] ...", add_help=False)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--settings")
    options, rest = parser.parse_known_args(argv[1:])
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module(options.system, options.settings)
    execute_from_command_line([f"{argv[0]} {options.system}", *rest])


if __name__ == "__main__":
    main(sys.argv)
