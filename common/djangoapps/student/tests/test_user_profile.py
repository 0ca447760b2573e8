"""The ``meta`` of a profile, and the order of row locks."""

import re

import ddt
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext

from common.djangoapps.student.locks import lock_accounts
from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory


@ddt.ddt
class MetaTest(TestCase):
    """``meta`` is a JSON object in a text column."""

    @ddt.data({}, {"a": [1, {"b": None}]}, {"name": "Zoë"})
    def test_meta_is_saved_as_json(self, meta):
        profile = UserFactory().profile
        profile.set_meta(meta)
        profile.save()
        assert UserProfile.objects.get(pk=profile.pk).get_meta() == meta

    def test_recording_a_session_keeps_keys_that_were_written_meanwhile(self):
        profile = UserFactory().profile
        UserProfile.objects.update(meta='{"written": "meanwhile"}')
        profile.set_login_session("a key")
        assert UserProfile.objects.get(pk=profile.pk).get_meta() == {"written": "meanwhile", "session_id": "a key"}

    def test_recording_a_session_keeps_unsaved_values_of_other_columns(self):
        profile = UserFactory().profile
        profile.name = "not saved yet"
        profile.set_login_session("a key")
        assert profile.name == "not saved yet"

    def test_empty_meta_is_an_empty_object(self):
        assert UserProfile().get_meta() == {}

    @ddt.data("not json", "[]", "null", '"text"', "1", "[" * 3000 + "]" * 3000)
    def test_other_content_is_an_error_that_does_not_quote_it(self, meta):
        with self.assertRaisesRegex(ValueError, "meta of an auth_userprofile is not a JSON object") as raised:
            UserProfile(meta=meta).get_meta()
        assert meta not in str(raised.exception)


class UnreadableMetaTest(TransactionTestCase):
    """A ``meta`` that cannot be read is not overwritten."""

    def test_login_is_a_server_error_and_keeps_meta(self):
        user = UserFactory()
        UserProfile.objects.filter(user=user).update(meta="<broken>")
        self.client.raise_request_exception = False
        response = self.client.post("/login_ajax", {"email": user.email, "password": TEST_PASSWORD})
        assert response.status_code == 500
        assert "Traceback" not in response.content.decode()
        assert UserProfile.objects.get(user=user).meta == "<broken>"


class SameSessionTest(TransactionTestCase):
    """Recording a session that is on record already."""

    def test_recording_the_same_session_again_does_not_end_it(self):
        user = UserFactory()
        self.client.post("/login_ajax", {"email": user.email, "password": TEST_PASSWORD})
        UserProfile.objects.get(user=user).set_login_session(self.client.session.session_key)
        assert self.client.get("/dashboard").status_code == 200


class LocksTest(TransactionTestCase):
    """Accounts are locked in one order, to avoid deadlocks."""

    def test_accounts_are_locked_in_the_order_of_their_numbers(self):
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            lock_accounts(2, 1)
        (sql,) = (query["sql"] for query in queries if "auth_user" in query["sql"])
        assert re.search(r"ORDER BY (1|.auth_user.\..id.) ASC", sql)
