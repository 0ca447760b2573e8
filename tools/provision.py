#!/usr/bin/env python
"""
Set up the demo for ``make run``. A file or an account that exists already is kept.

Reads two environment variables: LMS_CFG, the path of the demo's lms.yml, and PORT, on which the LMS will listen.
"""

import fcntl
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

import yaml

from testing.visitor import PASSWORD

DATABASE = "lms.sqlite3"

MARK = '# Made by "make run"'
LMS_YML = """\
{mark}. Keep this line. You may change the rest: it is never overwritten.
SECRET_KEY: "{secret_key}"
ALLOWED_HOSTS: ["127.0.0.1", "localhost"]

FEATURES:
  PREVENT_CONCURRENT_LOGINS: true
SINGLE_LOGIN_EXEMPT_GROUPS: ["xqueue"]
TECH_SUPPORT_EMAIL: "support@example.com"

# The demo is only for this machine: SQLite, and no TLS.
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
    '{config} is not what "make run" wrote, or it names another database. The demo creates accounts with a public '
    "password, so it uses only its own database. Choose another folder: make run DATA_DIR=..."
)

WHAT_TO_TRY = """
The LMS is on http://127.0.0.1:{port} with {config}

  Accounts, all with the password "{password}":
    honor      a learner: signing in a second time evicts the first session
    staff      staff and superuser: http://127.0.0.1:{port}/admin/
    xqwatcher  in the exempt group xqueue: every session is kept

  Try:
    - Sign in at http://127.0.0.1:{port}/login as honor@example.com in two browsers, then reload the first.
    - Do the same as xqwatcher. Both stay signed in, and the dashboard says why.
    - Run twenty graders in another terminal:
      make graders PORT={port} DATA_DIR={folder}
    - See who is exempt and why, as staff: http://127.0.0.1:{port}/single_login/exemptions/
    - Remove SINGLE_LOGIN_EXEMPT_GROUPS from lms.yml and start again. The graders then evict each other.

Press Ctrl-C to stop the LMS.
"""


def check_port(text):
    """
    Check that a server can listen on the port ``text``.

    Raises:
        ValueError: it cannot.
    """
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
    """Write the lms.yml of the demo with a random SECRET_KEY, unless the file exists."""
    if config.exists():
        return
    text = LMS_YML.format(
        mark=MARK,
        secret_key=secrets.token_urlsafe(50),
        database=_in_yaml(database),
        staticfiles=_in_yaml(config.parent / "staticfiles"),
    )
    unfinished = config.with_suffix(".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(config)


def _in_yaml(path):
    return yaml.safe_dump(str(path), default_style='"', width=float("inf")).rstrip()


def check_config(config, database):
    """
    Check that ``write_config`` wrote ``config``, and that the settings name only its ``database``.

    Raises:
        ValueError: they do not.
    """
    from django.conf import settings

    ours = {("default", "django.db.backends.sqlite3", str(database))}
    named = {(alias, options.get("ENGINE"), str(options.get("NAME"))) for alias, options in settings.DATABASES.items()}
    if named != ours or not config.read_text(encoding="utf-8").startswith(MARK):
        raise ValueError(NOT_OURS.format(config=config))


def create_accounts():
    """Create the demo accounts that are missing. Their names are those of devstack."""
    from django.contrib.auth.models import Group, User
    from django.db import transaction

    with transaction.atomic():
        create_account(User, "honor")
        create_account(User, "staff", is_staff=True, is_superuser=True)
        create_account(User, "xqwatcher").groups.add(Group.objects.get_or_create(name="xqueue")[0])


def create_account(model, username, **fields):
    """Return the account ``username``. Create it if it is missing."""
    user, created = model.objects.get_or_create(
        username=username, defaults={"email": f"{username}@example.com", **fields}
    )
    if created:
        user.set_password(PASSWORD)
        user.save()
    return user


def set_up_django(config, database):
    """
    Set up Django with the settings in ``config``.

    Raises:
        ValueError: ``config`` is not the lms.yml of the demo.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "lms.envs.production"

    import django

    check_config(config, database)
    django.setup()


def provision(config):
    """
    Create the lms.yml, the database, the static files and the accounts.

    Raises:
        ValueError, ImproperlyConfigured: ``config`` is not the lms.yml of the demo, or has a wrong setting.
    """
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
    """Set up the demo and print what to try. On an error that the reader can correct, exit with a message."""
    # End at Ctrl-C without a traceback. The next run creates the rest.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError

    os.umask(0o077)
    try:
        check_port(port)
        config.parent.mkdir(parents=True, exist_ok=True)
        # A second process waits here. The lock ends with this process.
        fcntl.flock(os.open(config.parent, os.O_RDONLY), fcntl.LOCK_EX)
        provision(config)
        # Another process may have taken the port meanwhile.
        check_port(port)
    except (ValueError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"DATA_DIR={config.parent} cannot be used: {error}")
    except DatabaseError as error:
        sys.exit(f"The database {config.parent / DATABASE} cannot be used: {error}")
    print(WHAT_TO_TRY.format(port=port, config=config, folder=config.parent, password=PASSWORD), flush=True)


if __name__ == "__main__":
    main(os.environ["PORT"], Path(os.environ["LMS_CFG"]))
