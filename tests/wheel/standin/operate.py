"""
A process of the stand-in in which an operator runs the commands and loads the page.

It prints the exit code and the output of each command, and the status and the text of the page, as JSON. The account
"worker" exists.
"""

import json
import sys

from journey import run


def main():
    """Run the commands, and load the page as a staff account."""
    # The first command starts the platform.
    commands = {"check": run("check"), "migrate": run("migrate")}
    run("migrate", "--run-syncdb")

    from django.contrib.auth.models import User
    from django.test import Client

    User.objects.create_user("worker", "worker@example.com")
    browser = Client()
    browser.force_login(User.objects.create_user("staff", "staff@example.com", is_staff=True))
    page = browser.get("/single_login/exemptions/")
    commands |= {
        "check at level warning": run("check", "--fail-level", "WARNING"),
        "exemptions --check": run("single_login_exemptions", "--check"),
        "exemptions as JSON": run("single_login_exemptions", "--format", "json"),
        "exemptions --user": run("single_login_exemptions", "--user", "worker", "--format", "json"),
        "page": [page.status_code, page.content.decode()],
    }
    json.dump(commands, sys.stdout)


main()
