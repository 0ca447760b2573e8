"""The session engine of the check at every request: errors, asynchronous views, and other engines below it."""

import json
from datetime import timedelta
from itertools import product

import ddt
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends import db
from django.test import Client, TransactionTestCase, override_settings
from django.utils import timezone

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.one_session.site_store import delete_session, site_store
from openedx.core.djangoapps.single_login.tests.level_settings import ALL_ENGINES, every_request, site_engine
from openedx.core.djangoapps.single_login.tests.single_login_cases import audit_lines
from openedx.core.djangoapps.single_login.tests.statements import overtaken_by


class SessionStore(db.SessionStore):
    """A session engine of a site. Its store cannot delete."""

    def delete(self, session_key=None):
        raise ConnectionError("The store is gone")


@ddt.ddt
@override_settings(**every_request())
class SessionEngineTest(TransactionTestCase):
    """Two browsers sign in to one account."""

    def setUp(self):
        super().setUp()
        self.user = UserFactory()
        self.first, self.second = Client(), Client()

    def sign_in(self, client):
        response = client.post("/login_ajax", {"email": self.user.email, "password": TEST_PASSWORD})
        assert response.status_code == 200

    def test_ended_session_loads_empty_in_an_asynchronous_view(self):
        self.sign_in(self.first)
        session = self.first.session
        data = dict(session.items())
        self.sign_in(self.second)
        # A request that read the session before the login saves it again.
        session.update(data)
        session.save(must_create=True)
        assert async_to_sync(self.first.session.aload)() == {}
        assert async_to_sync(self.second.session.aload)()[SESSION_KEY] == str(self.user.pk)

    def test_login_during_a_logout_stays_on_record(self):
        self.sign_in(self.first)
        with overtaken_by(lambda: self.sign_in(self.second)):
            assert self.first.get("/logout").status_code == 200
        assert self.second.get("/dashboard").status_code == 200

    def test_login_succeeds_if_the_store_cannot_delete_the_earlier_session(self):
        with override_settings(SINGLE_LOGIN_SITE_SESSION_ENGINE=__name__):
            self.sign_in(self.first)
            with self.assertLogs("django.db.backends.base", "ERROR") as logged:
                self.sign_in(self.second)
                assert self.first.get("/dashboard").status_code == 302
            assert "The store is gone" in str(logged.output)
            assert self.second.get("/dashboard").status_code == 200

    @ddt.data(*ALL_ENGINES)
    def test_session_is_deleted_once(self, engine):
        with site_engine(engine):
            store = site_store()()
            store["visited"] = True
            store.save()
            key = store.session_key
            assert [delete_session(key) for _ in range(2)] == [engine != "signed_cookies", False]
            assert not site_store()().exists(key)

    @ddt.data(
        (None, True, "not the session on record"),
        (61, True, "not the session on record"),
        (1, False, "not the session on record"),
        (1, True, "signed in elsewhere"),
    )
    @ddt.unpack
    def test_session_was_replaced_by_a_login_elsewhere_if_that_is_recent_and_its_session_exists(
        self, seconds, exists, reason
    ):
        self.sign_in(self.first)
        last_login = None if seconds is None else timezone.now() - timedelta(seconds=seconds)
        get_user_model().objects.update(last_login=last_login)
        other = site_store()()
        other.create()
        UserProfile.objects.update(meta=json.dumps({"session_id": other.session_key}))
        if not exists:
            other.delete()
        with audit_lines() as lines:
            assert self.first.get("/dashboard").status_code == 302
        assert [line.rpartition(" - ")[2] for line in lines] == [reason]

    @ddt.data(*product(["db", "cached_db", "cache", "file"], [5, ["x"], True, "Not/a key"]))
    @ddt.unpack
    def test_session_that_something_else_replaced_on_record_is_announced(self, engine, record):
        with site_engine(engine):
            self.sign_in(self.first)
            UserProfile.objects.update(meta=json.dumps({"session_id": record}))
            with audit_lines() as lines:
                assert self.first.get("/dashboard").status_code == 302
        assert [line.rpartition(" - ")[2] for line in lines] == ["not the session on record"]

    def test_session_store_is_a_class_of_the_engine_module(self):
        store = type(self.client.session)
        assert (store.__module__, store.__name__) == (every_request()["SESSION_ENGINE"], "SessionStore")
        assert issubclass(store, db.SessionStore)

    def test_unexpected_error_in_the_check_is_a_server_error_and_the_session_survives(self):
        self.sign_in(self.first)
        session = self.first.session
        # The app itself never writes such a value.
        session["single_login_rule"] = "broken"
        session.save()
        self.first.raise_request_exception = False
        with self.assertLogs("django.request", "ERROR") as logged:
            assert self.first.get("/dashboard").status_code == 500
        assert "Traceback" in logged.output[0]
        assert db.SessionStore(session.session_key)[SESSION_KEY] == str(self.user.pk)
