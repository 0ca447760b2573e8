"""The exemptions page."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import ddt
import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.test import RequestFactory, TestCase, override_settings
from django.urls import include, path, reverse
from django.utils import translation
from django.views.defaults import permission_denied

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login import __version__
from openedx.core.djangoapps.single_login.exemptions import GROUPS, USERNAMES

from .members import create_members
from .single_login_cases import audit_lines, protection
from .statements import Statements

URL = "/single_login/exemptions/"

# The URLs of a platform without the admin.
urlpatterns = [path("single_login/", include("openedx.core.djangoapps.single_login.operators.urls"))]


@ddt.ddt
@override_settings(**{GROUPS: ["xqueue"]})
class ExemptionsPageTest(TestCase):
    """Who may see it, and what it shows."""

    def setUp(self):
        super().setUp()
        self.staff = UserFactory(username="staff", is_staff=True)
        self.user = UserFactory(username="xqwatcher", groups=["xqueue"])
        self.user.profile.set_meta({"session_id": "the-session-key"})
        self.user.profile.save()
        self.learner = UserFactory(username="honor")
        self.client.force_login(self.staff)

    def test_a_visitor_is_sent_to_sign_in(self):
        response = self.client_class().get(URL, {"q": "a"})
        assert response.status_code == 302
        assert response.url == "/login?next=/single_login/exemptions/%3Fq%3Da"

    def test_a_program_without_a_session_gets_401_as_json(self):
        response = self.client_class().get(URL, {"format": "json"})
        assert (response.status_code, response.json()) == (401, {"error": "Nobody is signed in."})
        assert "no-store" in response.headers["Cache-Control"]

    def test_a_learner_is_refused_and_is_not_asked_to_sign_in(self):
        self.client.force_login(self.learner)
        response = self.client.get(URL)
        self.assertContains(response, "You are signed in as honor", status_code=403)
        self.assertNotContains(response, "/login", status_code=403)
        self.assertNotContains(response, "xqwatcher", status_code=403)

    def test_somebody_who_is_not_signed_in_and_is_refused_is_asked_to_sign_in(self):
        request = RequestFactory().get(URL)
        self.assertContains(permission_denied(request, PermissionDenied()), 'href="/login"', status_code=403)

    def test_a_learner_is_refused_in_json(self):
        self.client.force_login(self.learner)
        response = self.client.get(URL, {"format": "json"})
        assert (response.status_code, response.json()) == (403, {"error": "This is for staff."})

    @ddt.data("xml", "html", "JSON", "")
    def test_an_unknown_format_is_answered_with_400(self, unknown):
        for client in (self.client, self.client_class()):
            response = client.get(URL, {"format": unknown})
            self.assertContains(response, "ask for format=json", status_code=400)
            assert response.headers["Content-Type"] == "text/plain"

    @ddt.data("post", "put", "delete")
    def test_it_is_read_only(self, method):
        assert getattr(self.client, method)(URL).status_code == 405

    def test_staff_sees_accounts_and_rules(self):
        response = self.client.get(URL)
        self.assertContains(response, "<bdi>xqwatcher</bdi>")
        self.assertContains(response, f"<code>{GROUPS}</code> <bdi>xqueue</bdi>")
        self.assertNotContains(response, "the-session-key")

    def test_it_says_when_an_account_signed_in_last(self):
        self.assertContains(self.client.get(URL), ">never</td>")
        User.objects.filter(pk=self.user.pk).update(last_login=datetime(2026, 11, 2, 8, 30, tzinfo=UTC))
        time = '<time datetime="2026-11-02T08:30:00+00:00">2026-11-02 08:30 UTC</time>'
        self.assertContains(self.client.get(URL), time)
        (account,) = self.client.get(URL, {"format": "json"}).json()["accounts"]
        assert account["last_login"] == "2026-11-02T08:30:00Z"

    @ddt.data((None, False), ("view_user", True), ("change_user", True), ("delete_user", False))
    @ddt.unpack
    def test_an_account_is_linked_to_the_admin_for_those_who_may_see_it_there(self, permission, is_linked):
        self.staff.user_permissions.set(Permission.objects.filter(codename=permission))
        link = f"/admin/auth/user/{self.user.pk}/change/"
        assert (f'href="{link}"' in self.client.get(URL).content.decode()) is is_linked
        assert (self.client.get(link).status_code == 200) is is_linked

    def test_nothing_is_linked_where_there_is_no_admin(self):
        self.staff.user_permissions.set(Permission.objects.filter(codename="view_user"))
        with override_settings(ROOT_URLCONF=__name__):
            response = self.client.get(URL)
        self.assertContains(response, '<th role="rowheader" scope="row"><bdi>xqwatcher</bdi></th>')
        self.assertNotContains(response, "Sign out")

    def test_the_findings_come_before_the_accounts(self):
        with override_settings(**{USERNAMES: ["xqwacher"]}):
            content = self.client.get(URL).content.decode()
        assert 0 < content.index("single_login.W011") < content.index("<bdi>xqwatcher</bdi>")
        assert "Did you mean &#x27;xqwatcher&#x27;?" in content

    def test_names_are_escaped(self):
        UserFactory(username="<script>alert(1)</script>", is_staff=True, groups=["xqueue"])
        response = self.client.get(URL, {"q": "<script>"})
        self.assertContains(response, "<bdi>&lt;script&gt;")
        self.assertNotContains(response, "<script")

    def test_the_accounts_can_be_filtered_by_name(self):
        UserFactory(username="another_100%", groups=["xqueue"])
        for search, expected in (("XQW", ["xqwatcher"]), ("0%", ["another_100%"]), ("o_h", []), ("nobody", [])):
            answer = self.client.get(URL, {"q": search, "format": "json"}).json()
            assert [account["username"] for account in answer["accounts"]] == expected
            assert (answer["matches"], answer["search"]) == (len(expected), search)
        self.assertContains(self.client.get(URL, {"q": "nobody"}), "No exempt account has “nobody”")

    def test_the_accounts_are_paged(self):
        create_members(60)
        seen = []
        for page in (1, 2):
            response = self.client.get(URL, {"page": page, "q": "m"})
            self.assertContains(response, f"Page {page} of 2")
            self.assertContains(response, f"?q=m&amp;page={3 - page}")
            answer = self.client.get(URL, {"page": page, "q": "m", "format": "json"}).json()
            assert (answer["page"], answer["pages"], answer["matches"], answer["exempt_accounts"]) == (page, 2, 60, 61)
            seen += [account["username"] for account in answer["accounts"]]
        assert len(set(seen)) == 60

    @ddt.data("0", "99", "x", "-1")
    def test_a_page_that_is_not_there_is_answered_with_one_that_is(self, page):
        self.assertContains(self.client.get(URL, {"page": page}), "xqwatcher")

    def test_the_number_of_queries_does_not_depend_on_the_number_of_accounts(self):
        with Statements() as few:
            self.client.get(URL)
        create_members(19)
        with Statements() as many:
            self.client.get(URL)
        assert many.by_table() == few.by_table()

    def test_json_is_the_commands_with_the_paging_added(self):
        answer = self.client.get(URL, {"format": "json"}).json()
        (account,) = answer.pop("accounts")
        process = answer.pop("process")
        assert account["rules"] == [{"setting": GROUPS, "name": "xqueue"}]
        assert answer == {
            "version": 1,
            "in_force": True,
            "not_in_force_because": [],
            "app_version": __version__,
            "settings_module": "lms.envs.test",
            "settings_file": None,
            "protection": True,
            "check_every_request": settings.SINGLE_LOGIN_CHECK_EVERY_REQUEST,
            "settings": {USERNAMES: [], GROUPS: ["xqueue"]},
            "exempt_accounts": 1,
            "findings": [],
            "silenced": 0,
            "search": "",
            "matches": 1,
            "page": 1,
            "pages": 1,
        }
        assert process["pid"] == os.getpid()
        assert datetime.fromisoformat(process["started"]).tzinfo == UTC

    def test_it_shows_the_settings_of_the_process_that_answers(self):
        names = [f"name-{number}" for number in range(30)]
        file = "/etc/lms.yml"
        with override_settings(**{USERNAMES: names}, LMS_CFG=file):
            shown = self.client.get(URL).content.decode().partition("Settings of this process")[2]
        for expected in (
            "<dd><bdi>xqueue</bdi></dd>",
            f'<code>{USERNAMES}</code> <span class="count">30</span>',
            "<bdi>name-0</bdi>",
            "(all of them in the JSON)",
            "<dd>lms.envs.test</dd>",
            f"<dd>{file}</dd>",
            f"<dd>{os.getpid()}, started",
            f"<dd>{__version__}</dd>",
        ):
            assert expected in shown
        assert shown.count("<bdi>name-") == 20

    @ddt.data((None, "/"), ("/dashboard", "/dashboard"), ("dashboard", "/dashboard"), ("/home/", "/home/"))
    @ddt.unpack
    def test_it_leads_back_to_the_site_and_to_the_sign_out(self, setting, home):
        with override_settings(LOGIN_REDIRECT_URL=setting):
            response = self.client.get(URL)
        self.assertContains(response, f'<a class="brand" href="{home}">Back to the site</a>')
        self.assertContains(response, '<a href="/logout">Sign out</a>')

    def test_half_a_surrogate_pair_in_a_setting_is_refused(self):
        with override_settings(**{USERNAMES: ["\ud800"]}):
            for options in ({}, {"format": "json"}):
                with pytest.raises(ImproperlyConfigured, match="E002"):
                    self.client.get(URL, options)

    def test_a_meta_that_is_nested_too_deeply_has_no_session_on_record(self):
        self.user.profile.meta = "[" * 3000 + "]" * 3000
        self.user.profile.save()
        (account,) = self.client.get(URL, {"format": "json"}).json()["accounts"]
        assert account["has_session_on_record"] is False
        assert self.client.get(URL).status_code == 200

    def test_nothing_comes_from_elsewhere_or_inline(self):
        response = self.client.get(URL)
        tags = re.findall(r"<[^>]*>", response.content.decode())
        assert not [tag for tag in tags if re.search(r"<script|<style|\s(style|on\w+)=|//", tag)]

    def test_it_replaces_the_content_security_policy_of_the_platform(self):
        others = [middleware for middleware in settings.MIDDLEWARE if not middleware.startswith("csp.")]
        for middleware in (others, settings.MIDDLEWARE):
            with override_settings(MIDDLEWARE=middleware):
                policy = self.client.get(URL).headers["Content-Security-Policy"]
            assert policy == (
                "default-src 'none'; img-src data:; style-src 'self'; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            )

    def test_the_style_sheet_needs_no_collectstatic(self):
        url = reverse("single_login:stylesheet")
        self.assertContains(self.client.get(URL), f'<link rel="stylesheet" href="{url}">')
        response = self.client_class().get(url)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
        assert response.headers["Cache-Control"] == "max-age=3600"
        assert response.content == (Path(__file__).parents[1] / "templates/single_login/exemptions.css").read_bytes()
        assert self.client_class().post(url).status_code == 405

    def test_it_is_not_kept_in_caches(self):
        assert "no-store" in self.client.get(URL).headers["Cache-Control"]

    @ddt.data(
        (True, False, "The protection is on: one session per account. Level: exempt only."),
        (True, True, "The protection is on: one session per account. Level: check at every request."),
        (False, True, "The protection is off: any number of sessions per account."),
    )
    @ddt.unpack
    def test_it_says_whether_the_protection_is_on_and_at_which_level(self, is_on, is_every_request, expected):
        with protection(is_on, SINGLE_LOGIN_CHECK_EVERY_REQUEST=is_every_request):
            response = self.client.get(URL)
            answer = self.client.get(URL, {"format": "json"}).json()
        self.assertContains(response, expected)
        assert (answer["protection"], answer["check_every_request"]) == (is_on, is_every_request)

    def test_it_says_at_the_top_whether_the_exemptions_are_in_force(self):
        self.assertContains(self.client.get(URL), '<p class="lead">The exemptions are in force.</p>')
        with protection(False):
            content = self.client.get(URL).content.decode()
            answer = self.client.get(URL, {"format": "json"}).json()
        (reason,) = answer["not_in_force_because"]
        assert reason.startswith("The exemptions are not in force: PREVENT_CONCURRENT_LOGINS is off")
        assert (answer["in_force"], answer["findings"][0]["message"]) == (False, reason)
        assert 0 < content.index(f'<p class="lead warning">{reason}</p>') < content.index("Needs attention")

    def test_it_says_without_a_warning_that_nothing_is_set(self):
        with protection(False, **{GROUPS: []}):
            response = self.client.get(URL)
        self.assertContains(response, '<p class="lead">No account and no group is named in the settings.</p>')
        self.assertContains(response, "Nothing: every configured name matches")

    def test_it_says_how_many_findings_are_silenced(self):
        User.objects.filter(pk=self.user.pk).update(is_staff=True)
        with override_settings(SILENCED_SYSTEM_CHECKS=["single_login.W014"]):
            response = self.client.get(URL)
            answer = self.client.get(URL, {"format": "json"}).json()
        self.assertContains(response, "Silenced by <code>SILENCED_SYSTEM_CHECKS</code>: 1.")
        self.assertNotContains(response, "single_login.W014")
        assert (answer["findings"], answer["silenced"]) == ([], 1)

    def test_it_is_in_plain_english_whatever_the_language_of_the_site(self):
        with override_settings(LANGUAGE_CODE="es-419"), translation.override("es-419"):
            response = self.client.get(URL)
        self.assertContains(response, '<html lang="en">')
        self.assertContains(response, 'data-label="Active">yes</td>')

    def test_looking_leaves_no_audit_line_and_changes_nothing(self):
        with audit_lines() as lines, self.captureOnCommitCallbacks(execute=True):
            assert self.client.get(URL).status_code == 200
        self.user.profile.refresh_from_db()
        assert (lines, self.user.profile.get_meta()) == ([], {"session_id": "the-session-key"})
