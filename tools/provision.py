#!/usr/bin/env python
"""
Set the demo up for ``make run``, in the folder of the lms.yml that LMS_CFG names; what is there already is kept.

PORT, in the environment too, is where it is going to be served.
"""

import fcntl
import json
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

PASSWORD = "edx"  # noqa: S105
DATABASE = "lms.sqlite3"

MARK = '# Made by "make run"'
LMS_YML = """\
{mark}, which asks for this line. The rest is yours to change: it is never written over.
SECRET_KEY: "{secret_key}"
ALLOWED_HOSTS: ["127.0.0.1", "localhost"]

FEATURES:
  PREVENT_CONCURRENT_LOGINS: true
SINGLE_LOGIN_EXEMPT_GROUPS: ["xqueue"]

# The demo runs on this machine alone: SQLite, and no TLS.
DATABASES:
  default:
    ENGINE: django.db.backends.sqlite3
    NAME: {database}
    OPTIONS: {{transaction_mode: IMMEDIATE, timeout: 60, init_command: "PRAGMA journal_mode=WAL"}}
SESSION_ENGINE: django.contrib.sessions.backends.db
SESSION_COOKIE_SECURE: false
CSRF_COOKIE_SECURE: false
STATIC_ROOT: {staticfiles}
"""
NOT_OURS = (
    '{config} is not what "make run" wrote, for a database of its own beside it. Its accounts, with a password that '
    "everybody knows, go nowhere else. Name another folder: make run DATA_DIR=..."
)

WHAT_TO_TRY = """
The LMS is on http://127.0.0.1:{port} with {config}

  Accounts, all with the password "{password}":
    honor      a learner: signing in a second time ends the first session
    staff      staff and superuser: http://127.0.0.1:{port}/admin/
    xqwatcher  in the exempt group xqueue: signed in as often as it likes

  Try:
    - http://127.0.0.1:{port}/login as honor@example.com in two browsers, then reload the first
    - the same as xqwatcher: both stay signed in, and the dashboard says why
    - twenty graders at once, in another terminal:
      make graders PORT={port} DATA_DIR={folder}
    - who is exempt, and why, as staff: http://127.0.0.1:{port}/single_login/exemptions/
    - take the exemption out of the lms.yml, start again, and see the graders evict each other

Ctrl-C stops it.
"""


def check_port(text):
    """Raise ValueError unless a server can listen on the port that ``text`` names."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise ValueError(f"PORT must be a number from 1 to 65535, but it is {text!r}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            raise ValueError(
                f"PORT={text} cannot be used: {error.strerror}. Choose another: make run PORT=..."
            ) from error


def write_config(config, database):
    """Write the demo's lms.yml, with a random key of its own, unless there is one."""
    if config.exists():
        return
    text = LMS_YML.format(
        mark=MARK,
        secret_key=secrets.token_urlsafe(50),
        database=json.dumps(str(database)),
        staticfiles=json.dumps(str(config.parent / "staticfiles")),
    )
    unfinished = config.with_suffix(".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(config)


def check_config(config, database):
    """Raise ValueError unless the settings are from a ``config`` that ``write_config`` wrote, for its ``database``."""
    from django.conf import settings

    ours = {("default", "django.db.backends.sqlite3", str(database))}
    named = {(alias, options.get("ENGINE"), str(options.get("NAME"))) for alias, options in settings.DATABASES.items()}
    if named != ours or not config.read_text(encoding="utf-8").startswith(MARK):
        raise ValueError(NOT_OURS.format(config=config))


def create_accounts():
    """Create the demo accounts that are missing, as devstack has them."""
    from django.contrib.auth.models import Group, User
    from django.db import transaction

    with transaction.atomic():
        create_account(User, "honor")
        create_account(User, "staff", is_staff=True, is_superuser=True)
        create_account(User, "xqwatcher").groups.add(Group.objects.get_or_create(name="xqueue")[0])


def create_account(model, username, **fields):
    """Return the account ``username``; a missing one is created."""
    user, created = model.objects.get_or_create(
        username=username, defaults={"email": f"{username}@example.com", **fields}
    )
    if created:
        user.set_password(PASSWORD)
        user.save()
    return user


def set_up_django(config, database):
    """Load the settings of ``config``, which LMS_CFG names. Raises ValueError unless it is the demo's."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "lms.envs.production"

    import django

    check_config(config, database)
    django.setup()


def provision(config):
    """Prepare everything that the server needs beside ``config``. Raises ValueError and Django's own exceptions."""
    from django.core.management import call_command

    database = config.parent / DATABASE
    write_config(config, database)
    set_up_django(config, database)
    database.touch()
    database.chmod(0o600)
    print(f"Creating the tables of {database}", flush=True)
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    print("Collecting the static files", flush=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    print("Creating the accounts", flush=True)
    create_accounts()


def main(port, config):
    """Prepare everything, and say what to try; end with a line that says what is wrong."""
    # Ctrl-C ends the process at once, without a traceback. The next run completes what is missing.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from django.core.exceptions import ImproperlyConfigured

    os.umask(0o077)
    try:
        check_port(port)
        config.parent.mkdir(parents=True, exist_ok=True)
        # Of two at once, one waits. The lock ends with this process.
        fcntl.flock(os.open(config.parent, os.O_RDONLY), fcntl.LOCK_EX)
        provision(config)
        # It may have been given away meanwhile.
        check_port(port)
    except (ValueError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"DATA_DIR={config.parent} cannot be used: {error}")
    print(WHAT_TO_TRY.format(port=port, config=config, folder=config.parent, password=PASSWORD), flush=True)


if __name__ == "__main__":
    main(os.environ["PORT"], Path(os.environ["LMS_CFG"]))
