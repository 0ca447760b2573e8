"""The profile and its ``meta``."""

import ddt
from django.test import TestCase, TransactionTestCase

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory


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
        assert self.client.get("/dashboard").status_code == 302
