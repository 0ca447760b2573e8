"""Groups with many members."""

from django.contrib.auth.models import Group, User


def create_members(count, group="xqueue", prefix="member"):
    """Create ``count`` members of a group, in few statements."""
    users = User.objects.bulk_create((User(username=f"{prefix}{n}") for n in range(count)), batch_size=5000)
    through, group = User.groups.through, Group.objects.get_or_create(name=group)[0]
    through.objects.bulk_create((through(user=user, group=group) for user in users), batch_size=5000)
