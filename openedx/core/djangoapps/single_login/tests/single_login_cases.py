"""
The table "Logging in and out" of the design, as tests that run on any LMS.

Nothing of this repository is imported here, so that the same table runs where the app is installed from the wheel. A
place that runs it says how people sign in there: see ``SingleLoginCases``.
"""

import logging
from contextlib import contextmanager

import ddt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import caches
from django.test import Client, RequestFactory, override_settings

PASSWORD = "Password1234"
USERNAME = "xqwatcher"
GROUP = "xqueue"

NOBODY = {}
BY_USERNAME = {"SINGLE_LOGIN_EXEMPT_USERNAMES": [USERNAME]}
BY_GROUP = {"SINGLE_LOGIN_EXEMPT_GROUPS": ["other", GROUP]}
BY_BOTH = {**BY_USERNAME, **BY_GROUP}
BY_NEITHER = {
    "SINGLE_LOGIN_EXEMPT_USERNAMES": [USERNAME.upper(), f"{USERNAME} ", USERNAME[:-1]],
    "SINGLE_LOGIN_EXEMPT_GROUPS": [GROUP.upper(), f"{GROUP} ", GROUP[:-1]],
}

# Who the signal of a login is about, and which request it comes with.
WITH_NOTHING_TO_ENFORCE = [
    ("none", "session"),
    ("anonymous", "session"),
    ("user", "none"),
    ("user", "bare"),
    ("user", "session"),
]


def protection(is_on, **others):
    """Return settings with the protection on or off."""
    return override_settings(FEATURES={**settings.FEATURES, "PREVENT_CONCURRENT_LOGINS": is_on}, **others)


@contextmanager
def audit_lines():
    """Collect the messages that reach the logger ``audit``."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("audit")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


@contextmanager
def sessions_in_a_cache():
    """Keep sessions in a cache that holds nothing else; yield the cache."""
    store = {"single_login": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "single_login"}}
    engine = "django.contrib.sessions.backends.cache"
    others = {"SESSION_ENGINE": engine, "SESSION_CACHE_ALIAS": "single_login"}
    with override_settings(CACHES={**settings.CACHES, **store}, **others):
        yield caches["single_login"]


@ddt.ddt
class SingleLoginCases:
    """
    To be mixed into a TransactionTestCase: what is done at the commit belongs to the behaviour.

    A place may override ``sign_in``, ``sign_out`` and ``is_signed_in``, which are the public surface of its LMS.
    """

    client_class = Client

    def setUp(self):
        super().setUp()
        on = protection(True, SINGLE_LOGIN_EXEMPT_USERNAMES=[], SINGLE_LOGIN_EXEMPT_GROUPS=[])
        on.enable()
        self.addCleanup(on.disable)
        self.user = self.create_user(USERNAME, GROUP)

    def sign_in(self, client, user):
        """Sign ``user`` in through a view; return the response."""
        data = {"email": user.email, "password": PASSWORD}
        return client.post("/login_ajax", data)

    def sign_out(self, client):
        """Sign out through a view."""
        client.get("/logout")

    def is_signed_in(self, client):
        """Tell whether ``client``'s session can still do something that needs one."""
        return client.get("/dashboard").status_code == 200

    def create_user(self, username, *groups, with_profile=True):
        """Return a new account, a member of ``groups``."""
        user = get_user_model().objects.create_user(username, f"{username}@example.com", PASSWORD)
        user.groups.set(Group.objects.get_or_create(name=name)[0] for name in groups)
        if with_profile:
            self.profiles.create(user=user, name=username)
        return user

    @property
    def profiles(self):
        """The manager of the LMS's own profiles."""
        return get_user_model()._meta.get_field("profile").related_model.objects

    def new_client(self, user=None):
        """Return a client, signed in as ``user`` if there is one."""
        client = self.client_class()
        if user is not None:
            assert self.sign_in(client, user).status_code in (200, 302)
        return client

    def recorded(self, user=None):
        """Return the session key on record, as the database has it now."""
        return self.profiles.get(user=user or self.user).get_meta().get("session_id")

    def meta(self):
        """Return the raw column."""
        return self.profiles.values_list("meta", flat=True).get(user=self.user)

    @ddt.data(NOBODY, BY_NEITHER)
    def test_case_1_a_second_login_ends_the_first_and_is_recorded(self, exemptions):
        with override_settings(**exemptions):
            first = self.new_client(self.user)
            assert self.is_signed_in(first)
            assert self.recorded() == first.session.session_key
            second = self.new_client(self.user)
            assert not self.is_signed_in(first)
            assert self.is_signed_in(second)
            assert self.recorded() == second.session.session_key

    def test_case_1_the_same_browser_signing_in_again_keeps_its_session(self):
        client = self.new_client(self.user)
        for _ in range(2):
            assert self.sign_in(client, self.user).status_code in (200, 302)
            assert self.is_signed_in(client)
            assert self.recorded() == client.session.session_key

    def test_case_1_an_eviction_is_audited_without_a_session_key(self):
        first = self.new_client(self.user)
        key = first.session.session_key
        with audit_lines() as lines:
            self.new_client(self.user)
        assert len([line for line in lines if "evicted" in line]) == 1
        assert key not in str(lines)

    def test_case_2_a_login_that_is_overtaken_before_it_is_answered_loses_its_session(self):
        winner, loser = self.new_client(), self.new_client()

        def overtake(**kwargs):
            user_logged_in.disconnect(overtake)
            assert self.sign_in(winner, self.user).status_code in (200, 302)

        user_logged_in.connect(overtake)
        assert self.sign_in(loser, self.user).status_code == 400
        assert not self.is_signed_in(loser)
        assert self.is_signed_in(winner)
        assert self.recorded() == winner.session.session_key

    def test_case_2_a_session_that_comes_back_after_its_eviction_is_ended_by_its_own_login(self):
        winner, loser = self.new_client(), self.new_client()
        with sessions_in_a_cache() as store:
            write, keys = store.set, []

            def overtake_and_write(key, *arguments, **options):
                # The cache engine has seen by now that the session is there.
                if not keys:
                    keys.append(key)
                    assert self.sign_in(winner, self.user).status_code in (200, 302)
                return write(key, *arguments, **options)

            store.set = overtake_and_write
            assert self.sign_in(loser, self.user).status_code == 400
            assert store.get(keys[0]) is None
            assert self.is_signed_in(winner)

    def test_case_3_a_login_over_another_users_session_records_the_real_key(self):
        other = self.create_user("other")
        client = self.new_client(other)
        assert self.sign_in(client, self.user).status_code in (200, 302)
        assert self.recorded() is not None
        assert self.recorded() == client.session.session_key
        self.new_client(self.user)
        assert not self.is_signed_in(client)

    def test_case_4_a_logout_clears_its_own_slot(self):
        client = self.new_client(self.user)
        self.sign_out(client)
        assert not self.is_signed_in(client)
        assert self.recorded() is None

    def test_case_4_a_logout_of_another_session_leaves_the_recorded_one_alone(self):
        with override_settings(**BY_USERNAME):
            unrecorded = self.new_client(self.user)
        recorded = self.new_client(self.user)
        self.sign_out(unrecorded)
        assert not self.is_signed_in(unrecorded)
        assert self.is_signed_in(recorded)
        assert self.recorded() == recorded.session.session_key

    def test_case_4_a_logout_without_a_profile_creates_none(self):
        client = self.new_client(self.user)
        self.profiles.all().delete()
        self.sign_out(client)
        assert not self.profiles.exists()

    @ddt.data(BY_USERNAME, BY_GROUP, BY_BOTH)
    def test_case_5_an_exempt_login_ends_nothing_and_touches_no_record(self, exemptions):
        before = '{"session_id": "somebody-elses", "kept": 1}'
        self.profiles.update(meta=before)
        with override_settings(**exemptions):
            clients = [self.new_client(self.user) for _ in range(3)]
            assert all(self.is_signed_in(client) for client in clients)
        assert self.meta() == before

    @ddt.data(BY_USERNAME, BY_GROUP)
    def test_case_5_an_exempt_login_creates_a_missing_profile(self, exemptions):
        self.profiles.all().delete()
        with override_settings(**exemptions):
            assert self.is_signed_in(self.new_client(self.user))
        profile = self.profiles.get(user=self.user)
        assert (profile.name, profile.get_meta()) == (USERNAME, {})

    def test_case_5_an_exemption_is_for_that_account_only(self):
        other = self.create_user("other", "others")
        with override_settings(**BY_BOTH):
            first, second = self.new_client(other), self.new_client(other)
            assert not self.is_signed_in(first)
            assert self.is_signed_in(second)

    @ddt.data(
        (BY_USERNAME, True, "SINGLE_LOGIN_EXEMPT_USERNAMES", USERNAME),
        (BY_USERNAME, False, f"SINGLE_LOGIN_EXEMPT_USERNAMES: {USERNAME}", None),
        (BY_GROUP, True, f"SINGLE_LOGIN_EXEMPT_GROUPS: {GROUP}", USERNAME),
        (BY_GROUP, False, f"SINGLE_LOGIN_EXEMPT_GROUPS: {GROUP}", None),
    )
    @ddt.unpack
    def test_case_5_an_exempt_login_is_audited_with_its_rule(self, exemptions, squelch, expected, hidden):
        features = {**settings.FEATURES, "SQUELCH_PII_IN_LOGS": squelch}
        with override_settings(FEATURES=features, **exemptions), audit_lines() as lines:
            client = self.new_client(self.user)
        exempt = [line for line in lines if "Single login exempt" in line]
        assert len(exempt) == 1
        assert exempt[0].endswith(f" - {expected}")
        assert (f"user.id: {self.user.pk}" if squelch else USERNAME) in exempt[0]
        assert hidden is None or hidden not in exempt[0]
        assert client.session.session_key not in str(lines)

    def test_case_6_an_exempt_logout_ends_that_session_only(self):
        with override_settings(**BY_GROUP):
            first, second, third = (self.new_client(self.user) for _ in range(3))
            self.sign_out(second)
            assert [self.is_signed_in(client) for client in (first, second, third)] == [True, False, True]
            assert not self.recorded()

    def test_case_7_becoming_exempt_keeps_the_session_and_the_record(self):
        first = self.new_client(self.user)
        with override_settings(**BY_GROUP):
            second = self.new_client(self.user)
            assert self.is_signed_in(first)
            assert self.recorded() == first.session.session_key
            self.sign_out(second)
            assert self.is_signed_in(first)
            assert self.recorded() == first.session.session_key

    def test_case_8_ceasing_to_be_exempt_enforces_from_the_next_login_on(self):
        with override_settings(**BY_GROUP):
            exempt = self.new_client(self.user)
        assert self.is_signed_in(exempt)
        first = self.new_client(self.user)
        second = self.new_client(self.user)
        assert not self.is_signed_in(first)
        assert self.is_signed_in(second)

    def test_case_8_leaving_the_exempt_group_enforces_from_the_next_login_on(self):
        with override_settings(**BY_GROUP):
            first = self.new_client(self.user)
            self.user.groups.clear()
            second, third = self.new_client(self.user), self.new_client(self.user)
            assert [self.is_signed_in(client) for client in (first, second, third)] == [True, False, True]

    @ddt.data(NOBODY, BY_BOTH)
    def test_case_9_with_the_protection_off_nothing_is_read_written_or_deleted(self, exemptions):
        before = '{"session_id": "somebody-elses"}'
        self.profiles.update(meta=before)
        with protection(False, **exemptions):
            first, second = self.new_client(self.user), self.new_client(self.user)
            self.sign_out(second)
            assert self.is_signed_in(first)
        assert self.meta() == before

    @ddt.data(
        *(
            (signal, who, request)
            for signal in (user_logged_in, user_logged_out)
            for who, request in WITH_NOTHING_TO_ENFORCE
        )
    )
    @ddt.unpack
    def test_case_10_a_signal_with_nothing_to_enforce_is_let_be(self, signal, who, request):
        user = {"none": None, "anonymous": AnonymousUser(), "user": self.user}[who]
        bare, with_session = RequestFactory().get("/"), RequestFactory().get("/")
        with_session.session = SessionBase()
        http_request = {"none": None, "bare": bare, "session": with_session}[request]
        # Only single login is asked here: other receivers of the platform may need a request.
        for receiver in self.receivers_of(signal):
            receiver(signal=signal, sender=type(user), request=http_request, user=user)
        assert not self.recorded()

    def receivers_of(self, signal):
        """Return the receivers of ``signal`` that enforce single login."""
        live = signal._live_receivers(None)
        # Since Django 5.0 the synchronous and the asynchronous receivers come apart.
        receivers = live[0] if isinstance(live, tuple) else live
        found = [receiver for receiver in receivers if "single_login" in getattr(receiver, "__qualname__", "")]
        assert len(found) == 1
        return found

    def test_case_11_recording_keeps_other_keys_and_other_columns(self):
        self.profiles.update(meta='{"kept": {"a": [1]}}', name="Kept")
        client = self.new_client(self.user)
        profile = self.profiles.get(user=self.user)
        assert profile.get_meta() == {"kept": {"a": [1]}, "session_id": client.session.session_key}
        self.sign_out(client)
        profile.refresh_from_db()
        assert (profile.name, profile.get_meta()["kept"]) == ("Kept", {"a": [1]})

    def test_case_11_recording_starts_from_the_row_not_from_a_stale_profile(self):
        client = self.new_client(self.user)
        stale = get_user_model().objects.select_related("profile").get(pk=self.user.pk)
        self.profiles.update(meta='{"written": "meanwhile"}', name="Meanwhile")
        request = RequestFactory().get("/")
        request.session = client.session
        for receiver in self.receivers_of(user_logged_in):
            receiver(signal=user_logged_in, sender=type(stale), request=request, user=stale)
        profile = self.profiles.get(user=self.user)
        assert profile.get_meta() == {"written": "meanwhile", "session_id": client.session.session_key}
        assert profile.name == "Meanwhile"
