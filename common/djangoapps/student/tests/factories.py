"""Factories for accounts, groups and profiles."""

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from common.djangoapps.student.models import UserProfile

TEST_PASSWORD = "Password1234"


class UserProfileFactory(DjangoModelFactory):
    """A profile of ``user``, or of a new user."""

    class Meta:
        model = UserProfile
        django_get_or_create = ["user"]

    user = factory.SubFactory("common.djangoapps.student.tests.factories.UserFactory", profile=None)
    name = factory.LazyAttribute(lambda profile: profile.user.get_full_name() or profile.user.username)
    meta = ""


class UserFactory(DjangoModelFactory):
    """An active account with the password ``TEST_PASSWORD`` and a profile. ``profile=None`` leaves the profile out."""

    class Meta:
        model = get_user_model()
        django_get_or_create = ["username"]
        skip_postgeneration_save = True

    username = factory.Sequence("robot{}".format)
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.django.Password(TEST_PASSWORD)
    first_name = "Robot"
    last_name = factory.Sequence("Test{}".format)
    profile = factory.RelatedFactory(UserProfileFactory, factory_related_name="user")

    @factory.post_generation
    def groups(self, create, names, **kwargs):
        """Add the account to the groups of these names, and create the groups that are missing."""
        for name in names or []:
            self.groups.add(Group.objects.get_or_create(name=name)[0])
