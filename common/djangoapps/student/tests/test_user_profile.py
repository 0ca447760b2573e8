"""The profile and its ``meta``, and the order in which the rows of accounts are locked."""

import re

import ddt
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext

from common.djangoapps.student.locks import hold_accounts
from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.single_login_cases import audit_lines


@ddt.ddt
class MetaTest(TestCase):
    """``meta`` is a JSON object in a text column."""

    @ddt.data({}, {"a": [1, {"b": None}]}, {"name": "Zoë"})
    def test_what_is_set_is_got(self, meta):
        profile = UserFactory().profile
        profile.set_meta(meta)
        profile.save()
        assert UserProfile.objects.get(pk=profile.pk).get_meta() == meta

    def test_a_session_is_recorded_in_the_row_and_not_in_an_old_copy_of_it(self):
        profile = UserFactory().profile
        UserProfile.objects.update(meta='{"written": "meanwhile"}')
        profile.set_login_session("a key")
        assert UserProfile.objects.get(pk=profile.pk).get_meta() == {"written": "meanwhile", "session_id": "a key"}

    def test_a_session_is_recorded_and_nothing_that_is_not_saved_yet_is_lost(self):
        profile = UserFactory().profile
        profile.name = "not saved yet"
        profile.set_login_session("a key")
        assert profile.name == "not saved yet"

    def test_an_empty_column_is_an_empty_object(self):
        assert UserProfile().get_meta() == {}

    @ddt.data("not json", "[]", "null", '"text"', "1")
    def test_anything_else_is_refused_without_repeating_it(self, meta):
        with self.assertRaisesRegex(ValueError, "auth_userprofile 7: meta is not a JSON object") as raised:
            UserProfile(pk=7, meta=meta).get_meta()
        assert meta not in str(raised.exception).replace("auth_userprofile 7", "")


class UnreadableMetaTest(TransactionTestCase):
    """What nobody can read is not written over."""

    def test_a_login_fails_and_loses_nothing(self):
        user = UserFactory()
        UserProfile.objects.filter(user=user).update(meta="<broken>")
        self.client.raise_request_exception = False
        response = self.client.post("/login_ajax", {"email": user.email, "password": TEST_PASSWORD})
        assert response.status_code == 500
        assert "Traceback" not in response.content.decode()
        assert UserProfile.objects.get(user=user).meta == "<broken>"

    def test_a_live_session_is_nobodys_and_nothing_fails(self):
        user = UserFactory()
        data = {"email": user.email, "password": TEST_PASSWORD}
        assert self.client.post("/login_ajax", data).status_code == 200
        assert self.client.get("/dashboard").status_code == 200
        UserProfile.objects.filter(user=user).update(meta="<broken>")
        self.client.raise_request_exception = False
        with audit_lines() as lines:
            assert self.client.get("/dashboard").status_code == 302
        assert [line for line in lines if "evicted" in line] == []
        assert UserProfile.objects.get(user=user).meta == "<broken>"


class LocksTest(TransactionTestCase):
    """Who locks several accounts waits for nobody who waits for them."""

    def test_the_lowest_account_is_locked_first(self):
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            hold_accounts(2, 1)
        (sql,) = (query["sql"] for query in queries if "auth_user" in query["sql"])
        assert re.search(r"ORDER BY (1|.auth_user.\..id.) ASC", sql)
