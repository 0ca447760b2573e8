"""
Two requests of one account, interleaved step by step on MariaDB and Redis.

Nothing depends on timing: each request runs in a thread and stops where the test wants.
"""

import logging
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.backends.cached_db import KEY_PREFIX
from django.core.cache import cache
from django.db import connections, transaction
from django.db.models.signals import post_init, pre_save
from django.test import Client

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.level_settings import site_engine
from openedx.core.djangoapps.single_login.tests.single_login_cases import NEW_PASSWORD, audit_lines, protection
from openedx.core.djangoapps.single_login.tests.statements import overtaken_by
from tests.servers.in_process_browsers import is_accepted, key_of, recorded, sign_in
from tests.servers.stepping import Step, in_background, wait_until_somebody_waits_for_a_row

pytestmark = pytest.mark.usefixtures("stepped")

# Where a late save is stopped: before it, and within the save of a cache engine, which has two steps.
LATE_SAVES = [
    ("cache", "before_save"),
    ("cache", "within_save"),
    ("cached_db", "before_save"),
    ("cached_db", "within_save"),
    ("db", "before_save"),
]
ENGINES = ["cache", "cached_db", "db"]
EXEMPT_ONLY = pytest.mark.parametrize("stepped", ["exempt_only"], indirect=True)
BOTH_LEVELS = pytest.mark.parametrize("stepped", ["exempt_only", "every_request"], indirect=True)
WITHIN_SAVE = [late_save for late_save in LATE_SAVES if late_save[1] == "within_save"]


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_2b_a_login_that_saves_its_session_late_is_not_accepted(user, engine, where):
    with site_engine(engine):
        with in_background(lambda: sign_in(user), **{where: Step()}) as finish_loser:
            loser_key = recorded(user)
            winner, status = sign_in(user)
            assert status == 200
            finish_loser()
        assert not is_accepted(loser_key)
        assert is_accepted(recorded(user))
        assert recorded(user) == key_of(winner)


@EXEMPT_ONLY
@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_2b_at_exempt_only_a_save_within_a_cache_engine_brings_the_loser_back(user, engine, where):
    with site_engine(engine):
        with in_background(lambda: sign_in(user), **{where: Step()}) as finish_loser:
            loser_key = recorded(user)
            winner, _ = sign_in(user)
            finish_loser()
        assert is_accepted(loser_key) == (engine != "db" and where == "within_save")
        assert is_accepted(key_of(winner))
        assert recorded(user) == key_of(winner)


@pytest.mark.parametrize(("engine", "where"), WITHIN_SAVE)
def test_case_2_a_login_that_is_answered_before_the_winner_commits_ends_with_the_commit(user, engine, where):
    with site_engine(engine), in_background(lambda: sign_in(user), **{where: Step()}) as finish_loser:
        loser_key = recorded(user)
        with in_background(lambda: sign_in(user), before_commit=Step()) as finish_winner:
            assert finish_loser()[1] == 200
            assert is_accepted(loser_key)
            _, status = finish_winner()
        assert status == 200
        assert not is_accepted(loser_key)
        assert is_accepted(recorded(user))


@BOTH_LEVELS
@pytest.mark.parametrize("atomic_requests", [True, False])
@pytest.mark.parametrize("engine", ENGINES)
def test_case_2_signing_in_again_while_another_signs_in_leaves_exactly_one(user, engine, atomic_requests):
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic_requests
    with site_engine(engine):
        again, _ = sign_in(user)
        with in_background(lambda: sign_in(user), before_delete=Step()) as finish_other:
            # The other login has committed, and will now delete the session that signs in again.
            assert sign_in(user, again)[1] == 200
            # This login came later and ended the other's session before its answer was ready.
            assert finish_other()[1] == 400
        assert is_accepted(key_of(again))
        assert recorded(user) == key_of(again)


@BOTH_LEVELS
@pytest.mark.parametrize("engine", ENGINES)
def test_case_2_a_login_that_commits_while_a_session_signs_in_again_ends_that_session(user, engine):
    connections.settings["default"]["ATOMIC_REQUESTS"] = False
    with site_engine(engine):
        again, _ = sign_in(user)
        others = []
        # The session that signs in again has read that it is on record.
        elsewhere = lambda: others.append(sign_in(user)[0]) or 200  # noqa: E731
        with overtaken_by(lambda: run_in_background_and_expect_200(elsewhere), after="`auth_userprofile`.`name`"):
            assert sign_in(user, again)[1] == 400
        assert not is_accepted(key_of(again))
        assert is_accepted(key_of(others[0]))
        assert recorded(user) == key_of(others[0])


@BOTH_LEVELS
@pytest.mark.parametrize("atomic_requests", [True, False])
@pytest.mark.parametrize("engine", ENGINES)
def test_case_2_signing_in_again_takes_no_key_away_from_other_tabs(user, engine, atomic_requests):
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic_requests
    with site_engine(engine):
        again, _ = sign_in(user)
        key, tab = key_of(again), tab_of(again)
        with in_background(lambda: sign_in(user, again), before_save=Step()) as finish:
            assert tab.get("/dashboard").status_code == 200
            assert finish()[1] == 200
        assert tab.get("/dashboard").status_code == 200
        assert key_of(again) == key_of(tab) == recorded(user) == key


@BOTH_LEVELS
@pytest.mark.parametrize("engine", ENGINES)
def test_case_2_signing_out_in_one_tab_wins_over_signing_in_again_in_another(user, engine):
    with site_engine(engine):
        again, _ = sign_in(user)
        key, out = key_of(again), tab_of(again)
        with in_background(lambda: out.get("/logout").status_code, before_delete=Step()) as finish_logout:
            assert sign_in(user, again)[1] == 200
            assert finish_logout() == 200
        assert not is_accepted(key)
        assert recorded(user) is None


@BOTH_LEVELS
@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_2b_a_logout_before_the_answer_wins_except_over_a_save_within_a_cache_engine(user, engine, where):
    with site_engine(engine):
        again, _ = sign_in(user)
        key, out = key_of(again), tab_of(again)
        with in_background(lambda: sign_in(user, again), **{where: Step()}) as finish:
            assert out.get("/logout").status_code == 200
            finish()
        assert recorded(user) is None
        # At exempt only, a save within a cache engine brings the session back: case 2b.
        assert is_accepted(key) == (not settings.SINGLE_LOGIN_CHECK_EVERY_REQUEST and where == "within_save")


class UpgradedHasher(MD5PasswordHasher):
    """Makes every login upgrade the stored hash of its account."""

    algorithm = "upgraded"


@BOTH_LEVELS
@pytest.mark.parametrize("engine", ENGINES)
def test_case_2_a_login_whose_hash_another_login_upgraded_again_leaves_the_record_alone(settings, user, engine):
    connections.settings["default"]["ATOMIC_REQUESTS"] = False
    settings.PASSWORD_HASHERS = [f"{__name__}.{UpgradedHasher.__name__}", *settings.PASSWORD_HASHERS]
    with site_engine(engine):
        with in_background(lambda: sign_in(user), before_login=Step()) as finish_loser:
            # The loser has stored a hash. This login read the account earlier and stores another one, with its salt.
            User.objects.filter(pk=user.pk).update(password=user.password)
            winner, status = sign_in(user)
            assert status == 200
            loser, _ = finish_loser()
        assert is_accepted(key_of(winner))
        assert not is_accepted(key_of(loser))
        assert recorded(user) == key_of(winner)


@BOTH_LEVELS
@pytest.mark.parametrize("engine", ENGINES)
def test_case_2_signing_in_again_in_a_request_that_fails_and_is_rolled_back_signs_nobody_out(user, engine):
    def fail(**kwargs):
        user_logged_in.disconnect(fail)
        raise RuntimeError("A receiver that fails")

    with site_engine(engine):
        client, _ = sign_in(user)
        client.raise_request_exception = False
        user_logged_in.connect(fail)
        assert sign_in(user, client)[1] == 500
        assert is_accepted(key_of(client))
        assert recorded(user) == key_of(client)


@BOTH_LEVELS
@pytest.mark.parametrize("atomic_requests", [True, False])
def test_case_2_two_first_logins_at_once_create_one_profile(user, atomic_requests):
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic_requests
    UserProfile.objects.filter(user=user).delete()
    with in_background(lambda: sign_in(user), before_insert=Step()) as finish_first:
        if atomic_requests:
            # The second login waits for the first at update_last_login.
            assert finish_first()[1] == 200
            _, status = sign_in(user)
        else:
            with in_background(lambda: sign_in(user), before_insert=Step()) as finish_second:
                assert finish_first()[1] == 200
                _, status = finish_second()
    assert status == 200
    assert is_accepted(recorded(user))


def tab_of(client):
    """Return another tab of the browser ``client``."""
    tab = Client()
    tab.cookies = client.cookies.copy()
    return tab


def run_in_background_and_expect_200(action):
    """Run ``action`` to its end in another thread. It must return 200."""
    with in_background(action) as finish:
        assert finish() == 200


def reload_of(client):
    """Return a function that reloads the dashboard and returns its status."""
    return lambda: client.get("/dashboard").status_code


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_2b_an_ordinary_request_cannot_bring_an_evicted_session_back(settings, user, engine, where):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    with site_engine(engine):
        client, _ = sign_in(user)
        key = key_of(client)
        with in_background(reload_of(client), **{where: Step()}) as finish:
            sign_in(user)
            finish()
        assert not is_accepted(key)
        assert is_accepted(recorded(user))


def test_case_2b_a_reload_cannot_bring_an_evicted_session_back_into_the_cache_of_cached_db(user):
    with site_engine("cached_db"):
        client, _ = sign_in(user)
        key = key_of(client)
        cache.delete(f"{KEY_PREFIX}{key}")
        with in_background(reload_of(client), within_load=Step()) as finish:
            winner, _ = sign_in(user)
            finish()
        assert not is_accepted(key)
        assert is_accepted(key_of(winner))


@BOTH_LEVELS
@pytest.mark.parametrize("engine", ENGINES)
def test_case_3_two_browsers_that_swap_accounts_do_not_wait_for_each_other(user, engine):
    other = UserFactory()
    with site_engine(engine):
        first, second = sign_in(user)[0], sign_in(other)[0]
        steps = Step(), Step()
        with (
            in_background(lambda: sign_in(other, first), before_commit=steps[0]) as finish_first,
            in_background(lambda: sign_in(user, second), before_commit=steps[1]) as finish_second,
        ):
            for step in steps:
                step.released.set()
            assert [finish()[1] for finish in (finish_first, finish_second)] == [200, 200]
        assert [is_accepted(key_of(client)) for client in (first, second)] == [True, True]
        assert (recorded(other), recorded(user)) == (key_of(first), key_of(second))
    other.delete()


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_4_a_late_save_cannot_bring_a_signed_out_session_back(settings, user, engine, where):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    with site_engine(engine):
        client, _ = sign_in(user)
        key = key_of(client)
        other_tab = tab_of(client)
        with in_background(reload_of(client), **{where: Step()}) as finish:
            other_tab.get("/logout")
            finish()
        assert not is_accepted(key)
        assert recorded(user) is None


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_4_a_save_before_the_commit_of_a_logout_does_not_outlive_it(settings, user, engine, where):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    with site_engine(engine):
        client, _ = sign_in(user)
        key = key_of(client)
        other_tab = tab_of(client)
        with in_background(reload_of(client), **{where: Step()}) as finish:
            user_logged_out.connect(save_now := lambda **kwargs: finish(), weak=False)
            try:
                other_tab.get("/logout")
            finally:
                user_logged_out.disconnect(save_now)
        assert not is_accepted(key)
        assert recorded(user) is None


@BOTH_LEVELS
def test_case_17_a_logout_does_not_wait_for_a_login_and_leaves_its_record_alone(user, caplog):
    first, _ = sign_in(user)
    with in_background(lambda: sign_in(user), before_commit=Step()) as finish_login:
        # The login holds the profile's row.
        assert first.get("/logout").status_code == 200
        assert not is_accepted(key_of(first))
        second, status = finish_login()
    assert status == 200
    assert is_accepted(key_of(second))
    assert recorded(user) == key_of(second)
    assert f"user.id {user.pk} was not cleared at its logout" in caplog.text


@BOTH_LEVELS
@pytest.mark.parametrize("engine", ENGINES)
def test_case_17_a_logout_does_not_wait_for_a_locked_profile(user, engine, caplog):
    with site_engine(engine):
        client, _ = sign_in(user)
        key = key_of(client)

        def log_out():
            return client.get("/logout").status_code

        with transaction.atomic():
            UserProfile.objects.select_for_update().get(user=user)
            run_in_background_and_expect_200(log_out)
            # The row is still locked here.
            assert recorded(user) == key
        assert not is_accepted(key)
        assert f"user.id {user.pk} was not cleared at its logout" in caplog.text
        assert key not in caplog.text
        assert sign_in(user)[1] == 200


@pytest.mark.parametrize("engine", ENGINES)
def test_case_8_an_exempt_session_that_is_saved_late_ends_with_its_exemption(settings, user, engine):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    with site_engine(engine):
        settings.SINGLE_LOGIN_EXEMPT_USERNAMES = [user.username]
        client, _ = sign_in(user)
        with in_background(reload_of(client), before_save=Step()) as finish:
            sign_in(user)
            settings.SINGLE_LOGIN_EXEMPT_USERNAMES = []
            sign_in(user)
            finish()
        assert not is_accepted(key_of(client))
        assert is_accepted(recorded(user))


@BOTH_LEVELS
@pytest.mark.parametrize("atomic_requests", [True, False])
def test_case_11_a_login_waits_for_a_writer_and_loses_nothing_of_it(user, atomic_requests):
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic_requests
    with ExitStack() as stack:
        with transaction.atomic():
            profile = UserProfile.objects.select_for_update().get(user=user)
            profile.set_meta({"written": "by another"})
            profile.name = "Another"
            profile.save()
            finish = stack.enter_context(in_background(lambda: sign_in(user)))
            wait_until_somebody_waits_for_a_row()
        client, status = finish()
    assert status == 200
    profile = UserProfile.objects.get(user=user)
    assert profile.get_meta() == {"written": "by another", "session_id": key_of(client)}
    assert profile.name == "Another"


@BOTH_LEVELS
def test_case_11_a_writer_waits_for_a_login_and_both_keep_what_they_wrote(user):
    def add_a_key():
        with transaction.atomic():
            profile = UserProfile.objects.select_for_update().get(user=user)
            profile.set_meta({**profile.get_meta(), "written": "by another"})
            profile.save(update_fields=["meta"])

    with (
        in_background(lambda: sign_in(user), before_commit=Step()) as finish,
        in_background(add_a_key) as finish_writer,
    ):
        wait_until_somebody_waits_for_a_row()
        client, _ = finish()
        finish_writer()
    profile = UserProfile.objects.get(user=user)
    assert profile.get_meta() == {"written": "by another", "session_id": key_of(client)}


@pytest.mark.parametrize("engine", ENGINES)
def test_case_12_a_session_whose_password_was_changed_is_ended_by_the_next_login(user, engine):
    make_staff(user)
    with site_engine(engine):
        client, _ = sign_in(user)
        change_password(client)
        assert is_accepted(key_of(client))
        later, _ = sign_in(user, password=NEW_PASSWORD)
        assert [is_accepted(key_of(each)) for each in (client, later)] == [False, True]


@pytest.mark.parametrize("engine", ENGINES)
def test_case_12_a_session_that_met_a_new_secret_key_is_ended_by_the_next_login(settings, user, engine):
    with site_engine(engine):
        client, _ = sign_in(user)
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "new-and-just-as-secret"
        assert client.get("/dashboard").status_code == 200
        assert is_accepted(key_of(client))
        later, _ = sign_in(user)
        assert [is_accepted(key_of(each)) for each in (client, later)] == [False, True]


def test_case_12_the_sessions_of_one_login_end_at_its_logout_and_no_line_calls_it_an_eviction(settings, user):
    client, _ = sign_in(user)
    first, second = tab_of(client), tab_of(client)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "new-and-just-as-secret"
    # Both have loaded the session. Django gives each of them a key of its own.
    with in_background(reload_of(second), before_delete=Step()) as finish:
        assert first.get("/dashboard").status_code == 200
        assert finish() == 200
    assert key_of(first) != key_of(second)
    with audit_lines() as lines:
        assert second.get("/dashboard").status_code == 200
        first.get("/logout")
        assert second.get("/dashboard").status_code == 302
    assert evictions(lines) == []


def evictions(lines):
    """Return the reasons of the evictions in these lines of the audit log."""
    return [line.rpartition(" - ")[2] for line in lines if "evicted" in line]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_session_that_two_tabs_find_no_longer_exempt_is_audited_once(settings, user, engine):
    with site_engine(engine), audit_lines() as lines:
        settings.SINGLE_LOGIN_EXEMPT_USERNAMES = [user.username]
        client, _ = sign_in(user)
        tab = tab_of(client)
        settings.SINGLE_LOGIN_EXEMPT_USERNAMES = []
        with in_background(reload_of(tab), before_delete=Step()) as finish:
            assert client.get("/dashboard").status_code == 302
            assert finish() == 302
    assert evictions(lines) == ["no longer exempt"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("atomic_requests", [True, False])
def test_eviction_that_a_reload_overtakes_is_audited_once_as_signed_in_elsewhere(user, engine, atomic_requests):
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic_requests
    with site_engine(engine), audit_lines() as lines:
        client, _ = sign_in(user)
        tab = tab_of(client)
        with in_background(lambda: sign_in(user), before_delete=Step()) as finish:
            # The login is committed, and the earlier session is not deleted yet.
            assert tab.get("/dashboard").status_code == 302
            assert finish()[1] == 200
        assert "signed in somewhere else" in tab.get("/login").content.decode()
    assert evictions(lines) == ["signed in elsewhere"]


def make_staff(user):
    """Give the account access to the admin, where passwords are changed."""
    user.is_staff = True
    user.save()


def change_password(client):
    """Change the password while signed in."""
    data = {"old_password": TEST_PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post("/admin/password_change/", data).status_code == 302


def from_before(user):
    """Return two tabs of a browser with a session from before."""
    with protection(False):
        client, _ = sign_in(user)
    return client, tab_of(client)


@contextmanager
def meanwhile(signal, action, when=lambda instance: True):
    """Call ``action`` the first time that ``signal`` is sent for an account."""

    def run(instance, **kwargs):
        if when(instance):
            signal.disconnect(run, sender=User)
            action()

    signal.connect(run, sender=User)
    try:
        yield
    finally:
        was_called = not signal.disconnect(run, sender=User)
    assert was_called


@pytest.mark.parametrize("engine", ENGINES)
def test_case_13_signing_in_again_while_a_tab_takes_the_slot_is_accepted(user, engine):
    with site_engine(engine):
        again, tab = from_before(user)
        with meanwhile(pre_save, lambda: run_in_background_and_expect_200(reload_of(tab))):
            assert sign_in(user, again)[1] == 200
        assert is_accepted(key_of(again))
        assert recorded(user) == key_of(again)


@pytest.mark.parametrize("engine", ENGINES)
def test_case_13_password_change_while_a_tab_takes_the_slot_is_accepted(user, engine):
    make_staff(user)
    with site_engine(engine):
        client, tab = from_before(user)
        with meanwhile(pre_save, lambda: run_in_background_and_expect_200(reload_of(tab))):
            change_password(client)
        assert is_accepted(key_of(client))


@pytest.mark.parametrize(("engine", "where"), LATE_SAVES)
def test_case_13_logout_while_a_tab_takes_the_slot_ends_the_session(user, engine, where):
    with site_engine(engine), ExitStack() as stack:
        client, tab = from_before(user)
        key = key_of(client)
        late = in_background(reload_of(tab), **{where: Step()})
        is_whole = lambda instance: not instance.get_deferred_fields()  # noqa: E731
        # The logout has loaded its session.
        with meanwhile(post_init, lambda: stack.enter_context(late), when=is_whole):
            assert client.get("/logout").status_code == 200
        stack.close()
        assert not is_accepted(key)
        assert recorded(user) is None


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("locked", ["account", "profile"])
def test_case_13_a_locked_row_delays_no_request_and_the_slot_is_taken_later(user, locked, engine, caplog):
    caplog.set_level(logging.INFO)
    rows = {"account": User.objects.filter(pk=user.pk), "profile": UserProfile.objects.filter(user=user)}
    with site_engine(engine):
        with protection(False):
            clients = [sign_in(user)[0] for _ in range(2)]
        with transaction.atomic():
            rows[locked].select_for_update().get()
            for client in clients:
                run_in_background_and_expect_200(reload_of(client))
        assert recorded(user) is None
        assert caplog.text.count(f"A session of user.id {user.pk} gets its free slot at a later request") == 2
        assert [is_accepted(key) for key in map(key_of, clients)] == [True, False]
        assert recorded(user) == key_of(clients[0])


@pytest.mark.parametrize("engine", ENGINES)
def test_case_13_a_password_change_during_the_first_request_leaves_the_slot_free(user, engine):
    def change_its_password():
        user.set_password(NEW_PASSWORD)
        user.save()

    with site_engine(engine):
        with protection(False):
            client, _ = sign_in(user)
        with overtaken_by(change_its_password, after="`auth_user`.`password`"):
            assert client.get("/dashboard").status_code == 200
        assert not is_accepted(key_of(client))
    assert recorded(user) is None
