"""What the Django admin says of single login."""

import ddt
from django.test import TestCase, override_settings
from django.urls import reverse

from common.djangoapps.student.tests.factories import UserFactory

# Session, its record, user, the filter of all groups, two counts, the accounts, their groups.
FEW = 8
EXEMPT_XQUEUE = {"SINGLE_LOGIN_EXEMPT_GROUPS": ["xqueue", "services"]}


@ddt.ddt
class UserAdminTest(TestCase):
    """The user list and the user's page."""

    def setUp(self):
        super().setUp()
        self.client.force_login(UserFactory(username="staff", is_staff=True, is_superuser=True))
        self.user = UserFactory(username="xqwatcher", groups=["xqueue"])
        self.user.profile.set_login_session("the-session-key")

    @ddt.data(
        ({}, True, "enforced"),
        (EXEMPT_XQUEUE, True, "exempt (SINGLE_LOGIN_EXEMPT_GROUPS: xqueue)"),
        ({"SINGLE_LOGIN_EXEMPT_USERNAMES": ["xqwatcher"]}, True, "exempt (SINGLE_LOGIN_EXEMPT_USERNAMES: xqwatcher)"),
        (EXEMPT_XQUEUE, False, "off"),
    )
    @ddt.unpack
    def test_list_and_page_say_enforced_or_exempt_by_which_rule(self, exemptions, is_on, expected):
        with override_settings(FEATURES={"PREVENT_CONCURRENT_LOGINS": is_on}, **exemptions):
            listed = self.client.get(reverse("admin:auth_user_changelist"), {"q": "xqwatcher"})
            page = self.client.get(reverse("admin:auth_user_change", args=[self.user.pk]))
        self.assertContains(listed, f'<td class="field-single_login">{expected}</td>', html=True)
        self.assertContains(page, f'<div class="readonly">{expected}</div>', html=True)
        self.assertNotContains(page, "the-session-key")

    def test_it_is_read_only(self):
        page = self.client.get(reverse("admin:auth_user_change", args=[self.user.pk]))
        self.assertNotContains(page, 'name="single_login"')

    def test_an_account_can_still_be_added(self):
        assert self.client.get(reverse("admin:auth_user_add")).status_code == 200

    def test_the_list_asks_the_database_as_often_for_many_accounts_as_for_few(self):
        url = reverse("admin:auth_user_changelist")
        with override_settings(**EXEMPT_XQUEUE):
            self.client.get(url)
            with self.assertNumQueries(FEW):
                self.client.get(url)
            UserFactory.create_batch(20, groups=["xqueue"])
            with self.assertNumQueries(FEW):
                self.client.get(url)
