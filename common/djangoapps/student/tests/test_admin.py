"""The Django admin of users and profiles."""

import json

import ddt
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import UserFactory

EXEMPT_XQUEUE = {"SINGLE_LOGIN_EXEMPT_GROUPS": ["xqueue", "services"]}


@ddt.ddt
class UserAdminTest(TestCase):
    """The list of users and the page of a user."""

    def setUp(self):
        super().setUp()
        self.client.force_login(UserFactory(username="staff", is_staff=True, is_superuser=True))
        self.user = UserFactory(username="xqwatcher", groups=["xqueue"])
        self.user.profile.set_login_session("the-session-key")

    @ddt.data(
        ({}, True, "one session"),
        (EXEMPT_XQUEUE, True, "exempt (SINGLE_LOGIN_EXEMPT_GROUPS: xqueue)"),
        ({"SINGLE_LOGIN_EXEMPT_USERNAMES": ["xqwatcher"]}, True, "exempt (SINGLE_LOGIN_EXEMPT_USERNAMES: xqwatcher)"),
        (EXEMPT_XQUEUE, False, "off"),
    )
    @ddt.unpack
    def test_list_and_page_tell_whether_a_user_is_exempt_and_by_which_rule(self, exemptions, is_on, expected):
        with override_settings(FEATURES={"PREVENT_CONCURRENT_LOGINS": is_on}, **exemptions):
            listed = self.client.get(reverse("admin:auth_user_changelist"), {"q": "xqwatcher"})
            page = self.client.get(reverse("admin:auth_user_change", args=[self.user.pk]))
        self.assertContains(listed, f'<td class="field-single_login">{expected}</td>', html=True)
        self.assertContains(page, f'<div class="readonly">{expected}</div>', html=True)
        self.assertNotContains(page, "the-session-key")

    def test_single_login_field_is_read_only(self):
        page = self.client.get(reverse("admin:auth_user_change", args=[self.user.pk]))
        self.assertNotContains(page, 'name="single_login"')

    def test_page_to_add_a_user_opens(self):
        assert self.client.get(reverse("admin:auth_user_add")).status_code == 200

    def test_number_of_queries_does_not_depend_on_the_number_of_users(self):
        url = reverse("admin:auth_user_changelist")
        with override_settings(**EXEMPT_XQUEUE):
            self.client.get(url)
            with CaptureQueriesContext(connection) as few:
                self.client.get(url)
            UserFactory.create_batch(20, groups=["xqueue"])
            with self.assertNumQueries(len(few)):
                self.client.get(url)

    @ddt.data(True, False)
    def test_deleting_one_or_several_users_deletes_their_profiles(self, together):
        others = UserFactory.create_batch(2)
        if together:
            url, pks = reverse("admin:auth_user_changelist"), [user.pk for user in others]
            data = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
        else:
            url, pks, data = reverse("admin:auth_user_delete", args=[others[0].pk]), [others[0].pk], {"post": "yes"}
        assert self.client.post(url, data).status_code == 302
        assert not get_user_model().objects.filter(pk__in=pks).exists()
        assert not UserProfile.objects.filter(user__in=pks).exists()
        assert LogEntry.objects.count() == len(pks)


@ddt.ddt
class UserProfileAdminTest(TransactionTestCase):
    """The page of a profile. It must not show session keys, which are credentials."""

    def setUp(self):
        super().setUp()
        self.staff = UserFactory(is_staff=True, is_superuser=True)
        self.client.force_login(self.staff)

    def test_profile_is_found_and_shows_no_session_key(self):
        key = self.client.session.session_key
        assert key in UserProfile.objects.get(user=self.staff).meta
        found = self.client.get("/admin/student/userprofile/", {"q": self.staff.username})
        self.assertContains(found, self.staff.username)
        page = self.client.get(f"/admin/student/userprofile/{self.staff.profile.pk}/change/")
        self.assertContains(page, self.staff.profile.name)
        self.assertNotContains(page, key)

    def change(self, profile, **fields):
        url = reverse("admin:student_userprofile_change", args=[profile.pk])
        return self.client.post(url, {"user": profile.user_id, "name": profile.name, **fields})

    @ddt.data(({"name": "Another"}, 1), ({}, 0))
    @ddt.unpack
    def test_only_changed_fields_are_saved(self, fields, expected):
        profile = UserFactory().profile
        with CaptureQueriesContext(connection) as queries:
            assert self.change(profile, **fields).status_code == 302
        updates = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "auth_userprofile"')]
        assert len(updates) == expected
        assert not any("meta" in update or "user_id" in update for update in updates)
        assert UserProfile.objects.get(pk=profile.pk).name == fields.get("name", profile.name)

    def test_saving_the_page_keeps_the_record_of_a_concurrent_login(self):
        profile, elsewhere, begun = UserFactory().profile, Client(), []

        def sign_in_before(execute, sql, *arguments):
            if sql.startswith('UPDATE "auth_userprofile"') and not begun:
                begun.append(True)
                elsewhere.force_login(profile.user)
            return execute(sql, *arguments)

        with connection.execute_wrapper(sign_in_before):
            self.change(profile, name="Another")
        changed = UserProfile.objects.get(pk=profile.pk)
        assert changed.name == "Another"
        assert json.loads(changed.meta) == {"session_id": elsewhere.session.session_key}

    def test_profile_can_be_added(self):
        user = UserFactory(profile=None)
        url = reverse("admin:student_userprofile_add")
        assert self.client.post(url, {"user": user.pk, "name": "New"}).status_code == 302
        assert UserProfile.objects.get(user=user).name == "New"
