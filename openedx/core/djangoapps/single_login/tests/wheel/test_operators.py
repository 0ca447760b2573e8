"""What operators can see on a platform that was not changed for it: the checks, the command, the page."""

import json
from io import StringIO

from cases import BY_GROUP, GROUP, USERNAME
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import TestCase, override_settings

URL = "/single_login/exemptions/"


@override_settings(**BY_GROUP)
class OperatorsTest(TestCase):
    """One exempt account, and one exempt group that is not there."""

    def setUp(self):
        super().setUp()
        users = get_user_model().objects
        self.user = users.create_user(USERNAME, f"{USERNAME}@example.com")
        self.user.groups.add(Group.objects.create(name=GROUP))
        self.staff = users.create_user("staff", "staff@example.com", is_staff=True)

    def test_the_checks_report_a_name_that_matches_nothing_when_the_database_is_named(self):
        assert "single_login.W012" not in [message.id for message in run_checks()]
        assert "single_login.W012" in [message.id for message in run_checks(databases=["default"])]

    def test_the_command_lists_the_account_as_a_table_and_as_json(self):
        printed = {kind: StringIO() for kind in ("table", "json")}
        for kind, stdout in printed.items():
            call_command("single_login_exemptions", format=kind, stdout=stdout)
        assert f"{USERNAME}  group {GROUP}" in printed["table"].getvalue()
        assert [account["username"] for account in json.loads(printed["json"].getvalue())["accounts"]] == [USERNAME]

    def test_the_page_is_for_staff(self):
        response = self.client.get(URL)
        assert (response.status_code, response.url) == (302, f"/login?next={URL}")
        self.client.force_login(self.user)
        assert self.client.get(URL).status_code == 403
        self.client.force_login(self.staff)
        page = self.client.get(URL)
        self.assertContains(page, "Signed in as staff")
        self.assertContains(page, f"<bdi>{USERNAME}</bdi>")
        self.assertContains(page, "single_login.W012")
        assert self.client.get("/single_login/exemptions.css").status_code == 200
