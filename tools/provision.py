#!/usr/bin/env python
"""
Set the demo up for ``make run``, in the folder of the lms.yml that LMS_CFG names; what is there already is kept.

Usage: provision.py PORT
"""

import os
import secrets
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[1]

PASSWORD = "edx"  # noqa: S105
QUEUE = "test-queue"
SUBMISSIONS = 200

LMS_YML = """\
# Made by "make run" and yours to change: it is never written over.
SECRET_KEY: "{secret_key}"
ALLOWED_HOSTS: ["127.0.0.1", "localhost"]

FEATURES:
  PREVENT_CONCURRENT_LOGINS: true
SINGLE_LOGIN_EXEMPT_GROUPS: ["xqueue"]

# The demo runs on this machine alone: SQLite, and no TLS.
DATABASES:
  default:
    ENGINE: django.db.backends.sqlite3
    NAME: "{folder}/lms.sqlite3"
    OPTIONS: {{transaction_mode: IMMEDIATE, timeout: 60, init_command: "PRAGMA journal_mode=WAL"}}
SESSION_ENGINE: django.contrib.sessions.backends.db
SESSION_COOKIE_SECURE: false
CSRF_COOKIE_SECURE: false
STATIC_ROOT: "{folder}/staticfiles"
"""

WHAT_TO_TRY = """
The LMS is on http://127.0.0.1:{port} with {config}

  Accounts, all with the password "{password}":
    honor      a learner: signing in a second time ends the first session
    staff      staff and superuser: http://127.0.0.1:{port}/admin/
    xqwatcher  in the exempt group xqueue: signed in as often as it likes

  Try:
    - http://127.0.0.1:{port}/login as honor@example.com in two browsers, then reload the first
    - the same as xqwatcher: both stay signed in, and the dashboard says why
    - twenty graders at once:  {python} -m measure.graders --url http://127.0.0.1:{port}
    - take the exemption out of the lms.yml, start again, and see the graders evict each other

Ctrl-C stops it.
"""


def write_config(path):
    """Write the demo's lms.yml, with a random key of its own, unless there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(LMS_YML.format(secret_key=secrets.token_urlsafe(50), folder=path.parent), encoding="utf-8")
        path.chmod(0o600)


def create_accounts():
    """Create the demo accounts that are missing, as devstack has them."""
    from django.contrib.auth.models import Group, User

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


def queue_submissions(total=SUBMISSIONS):
    """Fill the queue up to ``total`` submissions, graded ones included."""
    from django.db import transaction
    from submissions.api import create_external_grader_detail
    from submissions.models import ExternalGraderDetail

    queued = ExternalGraderDetail.objects.filter(queue_name=QUEUE).count()
    with transaction.atomic():
        for number in range(queued, total):
            create_external_grader_detail(
                student_item_dict={
                    "student_id": f"student-{number}",
                    "course_id": "course-v1:edX+DemoX+Demo_Course",
                    "item_id": f"problem-{number}",
                    "item_type": "problem",
                },
                answer=f"print({number})",
                queue_name=QUEUE,
                queue_key=f"key-{number}",
                grader_file_name="grade.py",
            )


def main(port):
    """Prepare everything that the server needs, and say what to try."""
    config = Path(os.environ["LMS_CFG"])
    write_config(config)
    os.environ["DJANGO_SETTINGS_MODULE"] = "lms.envs.production"

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    create_accounts()
    queue_submissions()
    print(WHAT_TO_TRY.format(port=port, config=config, password=PASSWORD, python=".venv/bin/python"), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
