"""Create accounts and fill the queue of an LMS. ``populate`` runs this module in a process of the LMS."""

import json
import sys

from testing.visitor import PASSWORD


def populate(lms, accounts, *, are_staff=False, queue="", submissions=0):
    """Create ``accounts``, a mapping to the names of their groups, and fill the queue with so many submissions."""
    lms.python("-m", "measure.populate", json.dumps([accounts, are_staff, queue, submissions]))


def reset_accounts(accounts, are_staff):
    """Create the accounts that are missing, and put them into their groups. Delete all profiles, and so all records."""
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import Group, User

    from common.djangoapps.student.models import UserProfile

    fields = {"password": make_password(PASSWORD), "is_staff": are_staff}
    for name, groups in accounts.items():
        user, _ = User.objects.update_or_create(username=name, defaults={"email": f"{name}@example.com", **fields})
        user.groups.set(Group.objects.get_or_create(name=group)[0] for group in groups)
    UserProfile.objects.all().delete()


def fill_queue(name, submissions):
    """Fill the queue ``name`` with so many submissions, and delete all others."""
    from django.db import transaction
    from submissions.models import ExternalGraderDetail, StudentItem, Submission

    ids = [{"student_id": f"student-{number}", "item_id": f"{name}-{number}"} for number in range(submissions)]
    with transaction.atomic():
        StudentItem.objects.filter(submission__external_grader_detail__queue_name=name).delete()
        items = StudentItem.objects.bulk_create(
            StudentItem(course_id="course", item_type="problem", **one) for one in ids
        )
        answers = Submission.objects.bulk_create(
            Submission(student_item=item, attempt_number=1, answer="") for item in items
        )
        ExternalGraderDetail.objects.bulk_create(
            ExternalGraderDetail(submission=answer, queue_name=name, queue_key="key") for answer in answers
        )


if __name__ == "__main__":
    import django

    django.setup()
    wanted = json.loads(sys.argv[1])
    reset_accounts(*wanted[:2])
    fill_queue(*wanted[2:])
