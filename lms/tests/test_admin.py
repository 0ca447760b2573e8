"""The Django admin shows profiles, and no session keys."""

from django.test import TransactionTestCase

from common.djangoapps.student.tests.factories import UserFactory


class UserProfileAdminTest(TransactionTestCase):
    """A session key is a credential: staff must not read other people's."""

    def test_a_profile_can_be_found_and_shows_no_session_key(self):
        staff = UserFactory(is_staff=True, is_superuser=True)
        self.client.force_login(staff)
        key = self.client.session.session_key
        assert key in staff.profile.__class__.objects.get(user=staff).meta
        found = self.client.get("/admin/student/userprofile/", {"q": staff.username})
        self.assertContains(found, staff.username)
        page = self.client.get(f"/admin/student/userprofile/{staff.profile.pk}/change/")
        self.assertContains(page, staff.profile.name)
        self.assertNotContains(page, key)
