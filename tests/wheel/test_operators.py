"""What operators see on an unchanged platform: the system checks, the command, the page."""

import json
import os
from importlib.metadata import distribution
from io import StringIO

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import TestCase, override_settings
from single_login_cases import BY_GROUP, GROUP, PASSWORD, USERNAME

URL = "/single_login/exemptions/"


@override_settings(**BY_GROUP)
class OperatorsTest(TestCase):
    """One exempt account, and one exempt group that does not exist."""

    def setUp(self):
        super().setUp()
        self.user = self.create_user(USERNAME)
        self.user.groups.add(Group.objects.create(name=GROUP))
        self.staff = self.create_user("staff", is_staff=True)

    def create_user(self, username, **fields):
        """Return a new account with a profile."""
        user = get_user_model().objects.create_user(username, f"{username}@example.com", PASSWORD, **fields)
        user._meta.get_field("profile").related_model.objects.create(user=user, name=username)
        return user

    def sign_in(self, user):
        """Return a client that signed in through the platform's view."""
        client = self.client_class()
        assert client.post("/login_ajax", {"email": user.email, "password": PASSWORD}).status_code == 200
        return client

    def test_the_system_checks_report_a_name_that_matches_nothing_when_the_database_is_named(self):
        assert "single_login.W012" not in [message.id for message in run_checks()]
        assert "single_login.W012" in [message.id for message in run_checks(databases=["default"])]

    def test_the_command_lists_the_account_as_a_table_and_as_json(self):
        printed = {kind: StringIO() for kind in ("table", "json")}
        for kind, stdout in printed.items():
            call_command("single_login_exemptions", format=kind, stdout=stdout)
        lines = printed["table"].getvalue().splitlines()
        assert [line.split()[:3] for line in lines if line.startswith(USERNAME)] == [[USERNAME, "group", GROUP]]
        answer = json.loads(printed["json"].getvalue())
        assert [account["username"] for account in answer["accounts"]] == [USERNAME]
        assert answer["app_version"] == distribution("openedx-single-login").version
        assert answer["settings_module"] == os.environ["DJANGO_SETTINGS_MODULE"]

    def test_the_page_is_for_staff(self):
        response = self.client.get(URL)
        assert response.status_code == 302
        # Studio's sign-in page ends in a slash.
        assert response.url.replace("/?", "?") == f"/login?next={URL}"
        assert self.sign_in(self.user).get(URL).status_code == 403
        page = self.sign_in(self.staff).get(URL)
        self.assertContains(page, "Signed in as staff")
        self.assertContains(page, f"<bdi>{USERNAME}</bdi>")
        self.assertContains(page, "single_login.W012")
        self.assertContains(page, "Settings of this process")
        assert self.client.get("/single_login/exemptions.css").status_code == 200
