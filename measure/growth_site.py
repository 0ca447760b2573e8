"""Sites of any size, on MariaDB, each in a database of its own: accounts with profiles, and groups with members."""

import contextlib
import itertools
import tempfile

from measure.bench_cases import account, login_signal
from testing.production_lms import production_lms

SAMPLE = 200
GROUPS = 1_000
MEMBERS_OF_GROUP = """
    INSERT INTO auth_user_groups (user_id, group_id)
    SELECT id, %s FROM auth_user WHERE username LIKE 'learner-%%' ORDER BY id LIMIT %s, %s
"""
ACCOUNTS = """
    INSERT INTO auth_user (username, email, password, first_name, last_name,
                           is_superuser, is_staff, is_active, date_joined)
    SELECT CONCAT('learner-', seq), CONCAT('learner-', seq, '@example.com'), '!', '', '', 0, 0, 1, NOW()
    FROM seq_1_to_{size}
"""
PROFILES = """
    INSERT INTO auth_userprofile (user_id, name, meta)
    SELECT auth_user.id, username, '' FROM auth_user
    LEFT JOIN auth_userprofile ON auth_userprofile.user_id = auth_user.id WHERE auth_userprofile.id IS NULL
"""


@contextlib.contextmanager
def empty_sites(sizes):
    """Yield an LMS with no account for each of ``sizes``."""
    with contextlib.ExitStack() as stack:
        folders = {size: stack.enter_context(tempfile.TemporaryDirectory()) for size in sizes}
        yield {size: stack.enter_context(production_lms(folder)) for size, folder in folders.items()}


def use(lms):
    """Go on in the database of ``lms``."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"USE {lms.database}")


def fill(size):
    """Create ``size`` accounts with profiles, and as many groups as a site with many courses has."""
    from django.contrib.auth.models import Group
    from django.db import connection

    Group.objects.bulk_create(Group(name=f"group-{number}") for number in range(GROUPS))
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNTS.format(size=size))
        cursor.execute(PROFILES)
        cursor.execute("ANALYZE TABLE auth_user, auth_userprofile")
        cursor.fetchall()


def create_group(name, first, members):
    """Create a group of ``members`` accounts, beginning with the account at ``first``."""
    from django.contrib.auth.models import Group
    from django.db import connection

    group = Group.objects.create(name=name)
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS_OF_GROUP, [group.pk, first, members])
        cursor.execute("ANALYZE TABLE auth_group, auth_user_groups")
        cursor.fetchall()


def form_group(name, usernames):
    """Make the accounts of these names the members of a group, which is created if it is missing."""
    from django.contrib.auth.models import Group, User

    Group.objects.get_or_create(name=name)[0].user_set.set(User.objects.filter(username__in=usernames))


def spread(first, size):
    """Return the usernames of accounts that lie all over the ``size`` accounts that begin at ``first``."""
    from django.contrib.auth.models import User

    learners = User.objects.filter(username__startswith="learner-").order_by("pk")
    usernames = learners.values_list("username", flat=True)[first : first + size]
    return list(itertools.islice(usernames.iterator(), 0, None, max(1, size // SAMPLE)))


def logins_of(lms, usernames):
    """Return a function whose calls return what the receiver gets when one after another of them signs in."""
    turns = itertools.cycle(usernames)

    def login():
        use(lms)
        return login_signal(account(next(turns)))

    return login
