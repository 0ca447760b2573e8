"""
A process of the stand-in in which an operator runs the commands.

It prints the exit code and the output of each command, as JSON. The account "worker" exists.
"""

import json
import sys

from journey import run


def main():
    """Run the commands."""
    # The first command starts the platform.
    commands = {"check": run("check"), "migrate": run("migrate")}
    run("migrate", "--run-syncdb")

    from django.contrib.auth.models import User

    User.objects.create_user("worker", "worker@example.com")
    commands |= {
        "check at level warning": run("check", "--fail-level", "WARNING"),
        "exemptions --check": run("single_login_exemptions", "--check"),
        "exemptions as JSON": run("single_login_exemptions", "--format", "json"),
        "exemptions --user": run("single_login_exemptions", "--user", "worker", "--format", "json"),
    }
    json.dump(commands, sys.stdout)


main()
