#!/usr/bin/env python
"""
Make the LMS ready for a run of the storm: nobody has a session, and so many submissions wait to be graded.

Usage: storm_site.py SUBMISSIONS
"""

import os
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[1]


def prepare(submissions):
    """Create what is missing; make the first ``submissions`` of the queue wait, and no other."""
    from django.contrib.auth.models import Group, User
    from django.db.models import F
    from submissions.models import ExternalGraderDetail, Score, ScoreSummary

    from common.djangoapps.student.models import UserProfile
    from tools.provision import QUEUE, create_account, queue_submissions

    create_account(User, "xqwatcher").groups.add(Group.objects.get_or_create(name="xqueue")[0])
    UserProfile.objects.all().delete()
    ScoreSummary.objects.all().delete()
    Score.objects.all().delete()
    queue_submissions(submissions)
    queue = ExternalGraderDetail.objects.filter(queue_name=QUEUE).order_by("pk")
    queue.update(status="retired", pullkey=None, num_failures=0, status_time=F("created_at"))
    last = queue.values_list("pk", flat=True)[submissions - 1]
    queue.filter(pk__lte=last).update(status="pending")


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "lms.envs.production"

    import django

    django.setup()
    prepare(int(sys.argv[1]))
