"""The rule over an engine of somebody else's, and for asynchronous views."""

from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.test import Client, TransactionTestCase, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.statements import overtaken_by


class SessionStore(db.SessionStore):
    """A site's own engine, which cannot delete."""

    def delete(self, session_key=None):
        raise ConnectionError("The store is gone")


class SessionEngineTest(TransactionTestCase):
    """Two browsers, one account."""

    def setUp(self):
        super().setUp()
        self.user = UserFactory()
        self.first, self.second = Client(), Client()

    def sign_in(self, client):
        response = client.post("/login_ajax", {"email": self.user.email, "password": TEST_PASSWORD})
        assert response.status_code == 200

    def test_asynchronous_views_find_an_evicted_session_empty(self):
        self.sign_in(self.first)
        session = self.first.session
        # The row is there still, as when a save was late: the rule alone ends it.
        data = dict(session.items())
        self.sign_in(self.second)
        session.update(data)
        session.save(must_create=True)
        assert async_to_sync(self.first.session.aload)() == {}
        assert async_to_sync(self.second.session.aload)()[SESSION_KEY] == str(self.user.pk)

    def test_a_login_that_overtakes_a_logout_keeps_the_slot(self):
        self.sign_in(self.first)
        with overtaken_by(lambda: self.sign_in(self.second)):
            assert self.first.get("/logout").status_code == 200
        assert self.second.get("/dashboard").status_code == 200

    @override_settings(SINGLE_LOGIN_SITE_SESSION_ENGINE=__name__)
    def test_a_store_that_fails_to_delete_fails_no_login(self):
        self.sign_in(self.first)
        with self.assertLogs("django.db.backends.base", "ERROR") as logged:
            self.sign_in(self.second)
            assert self.first.get("/dashboard").status_code == 302
        assert "The store is gone" in str(logged.output)
        assert self.second.get("/dashboard").status_code == 200
