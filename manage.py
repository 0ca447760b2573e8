#!/usr/bin/env python
"""
Run a management command of a system, as on edx-platform: ``./manage.py lms COMMAND --settings=devstack``.

``--settings`` names a module of ``lms.envs``; the environment variable DJANGO_SETTINGS_MODULE wins over it.
"""

import os
import sys
from argparse import ArgumentParser

from django.core.management import execute_from_command_line

SYSTEMS = ["lms"]


def main(argv):
    """Run the command that ``argv`` names."""
    parser = ArgumentParser(prog=argv[0], usage="%(prog)s {lms} COMMAND [--settings=NAME] ...", add_help=False)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--settings", default="devstack")
    options, rest = parser.parse_known_args(argv[1:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{options.system}.envs.{options.settings}")
    execute_from_command_line([f"{argv[0]} {options.system}", *rest])


if __name__ == "__main__":
    main(sys.argv)
