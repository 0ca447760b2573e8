"""
Faults: the tests kill MariaDB, Redis or one worker of gunicorn. Gunicorn itself runs on.

After each fault every account can sign in, no profile has lost data, and the LMS works again. While a server is down,
clients get a clean 5xx or are asked to sign in again. A client whose worker is killed gets no answer. No session key is
in the logs.
"""

import contextlib
import json
import signal

import pytest
import requests

from testing.visitor import PASSWORD, Browser
from tests.servers import kill_worker
from tests.servers.persistent_learners import PersistentLearners
from tests.servers.session_store import stored_sessions

GUNICORN = {"workers": 2, "threads": 4}
LEARNERS = [f"learner{number}" for number in range(8)]
GRADER = "grader"
NAME, OTHER_META = "Kept Name", {"favourite": "tea"}

CREATE_ACCOUNTS = f"""
from django.contrib.auth.models import Group, User
from common.djangoapps.student.models import UserProfile
for name in {[*LEARNERS, GRADER]}:
    user = User.objects.create_user(name, name + "@example.com", {PASSWORD!r})
    UserProfile.objects.create(user=user, name="{NAME}", meta='{json.dumps(OTHER_META)}')
User.objects.get(username="{GRADER}").groups.add(Group.objects.create(name="xqueue"))
"""


@pytest.fixture(scope="module")
def populated_lms(private_lms):
    private_lms.manage("shell", "--no-imports", "-c", CREATE_ACCOUNTS)
    return private_lms


@pytest.fixture
def lms(populated_lms, private_redis, tmp_path, monkeypatch):
    """A production LMS with accounts and no sessions, on servers that the test may kill. Each test has a new log."""
    private_redis.flush()
    with contextlib.closing(populated_lms.connect()) as connection:
        connection.cursor().execute("DELETE FROM django_session")
    monkeypatch.setattr(populated_lms, "log", tmp_path / "lms.log")
    return populated_lms


def serve(lms, **config):
    """Run gunicorn with the check at every request. The account of the graders is exempt."""
    lms.configure(SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"], SINGLE_LOGIN_CHECK_EVERY_REQUEST=True, **config)
    return lms.serve(**GUNICORN)


def email(name):
    return f"{name}@example.com"


def read_profile(lms, account):
    """Return the account's number, its profile's name and ``meta`` without the record; and the key on record."""
    with contextlib.closing(lms.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT u.id, p.name, p.meta FROM auth_user u JOIN auth_userprofile p ON p.user_id = u.id"
            " WHERE u.username = %s",
            [account],
        )
        number, name, meta = cursor.fetchone()
    meta = json.loads(meta)
    key = meta.pop("session_id", None)
    return number, name, meta, key


def assert_one_login_mends_everything(lms, url, account):
    """Sign in. Assert that only the session on record is accepted, and that the profile lost nothing."""
    browser = Browser(url, email(account))
    status, key = browser.sign_in()
    assert status == 200
    assert browser.is_signed_in()
    number, name, meta, recorded = read_profile(lms, account)
    assert recorded == key
    assert (name, meta) == (NAME, OTHER_META)
    assert stored_sessions(lms)[number] == {key}
    return key


def assert_all_is_mended(lms, url, keys=()):
    """Assert that all accounts, also the exempt one, are as they were, and that no session key is in the log."""
    keys = {*keys, *(assert_one_login_mends_everything(lms, url, account) for account in LEARNERS)}
    graders = [Browser(url, GRADER) for _ in range(2)]
    for grader in graders:
        assert grader.sign_in_to_xqueue() == 200
    for grader in graders:
        assert grader.request("GET", "/xqueue/get_submission/?queue_name=queue").status_code == 200
        keys.add(grader.session_key)
    assert read_profile(lms, GRADER)[1:3] == (NAME, OTHER_META)
    assert_no_key_in_the_log(lms, keys)


def assert_no_key_in_the_log(lms, keys):
    log = lms.log.read_text()
    assert "Login success" in log
    assert not [key for key in keys if key and key in log]


@pytest.mark.parametrize("atomic_requests", [True, False])
@pytest.mark.parametrize("engine", ["cache", "db"])
def test_after_a_killed_worker_the_next_login_leaves_one_session(lms, settings, engine, atomic_requests):
    middleware = [kill_worker.MIDDLEWARE, *settings.MIDDLEWARE]
    with serve(lms, engine=engine, atomic_requests=atomic_requests, MIDDLEWARE=middleware) as url:
        for moment in kill_worker.MOMENTS:
            earlier = Browser(url, email("learner0"))
            _, earlier_key = earlier.sign_in()
            assert earlier.is_signed_in()
            dying_browser = Browser(url, email("learner0"))
            with pytest.raises(requests.ConnectionError):
                dying_browser.sign_in(**{kill_worker.HEADER: moment})
            number, name, meta, recorded = read_profile(lms, "learner0")
            assert (name, meta) == (NAME, OTHER_META)
            # A session that is accepted now is on record, so the next login will evict it.
            assert earlier.is_signed_in() is (recorded == earlier_key)
            assert stored_sessions(lms).get(number, set()) <= {recorded}
            key = assert_one_login_mends_everything(lms, url, "learner0")
            assert not earlier.is_signed_in()
            assert_no_key_in_the_log(lms, {earlier_key, recorded, key})


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_redis_flushed_and_restarted_under_load_leaves_every_account_able_to_sign_in(lms, private_redis, how):
    with serve(lms) as url:
        with PersistentLearners(url, map(email, LEARNERS)) as learners:
            learners.wait_for("fine", 20)
            private_redis.flush()
            learners.wait_for("fine", 20)
            with private_redis.stopped(how):
                learners.wait_for("failed", 20)
            learners.wait_for("fine", 20)
        assert_all_is_mended(lms, url, learners.keys)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("engine", ["cache", "db"])
def test_mariadb_restarted_under_load_leaves_every_account_able_to_sign_in(lms, private_mariadb, engine, how):
    with serve(lms, engine=engine) as url:
        with PersistentLearners(url, map(email, LEARNERS)) as learners:
            learners.wait_for("fine", 20)
            with private_mariadb.stopped(how):
                learners.wait_for("failed", 20)
            learners.wait_for("fine", 20)
        assert_all_is_mended(lms, url, learners.keys)


@pytest.mark.parametrize("engine", ["cache", "db"])
def test_login_while_redis_is_down_is_a_server_error_and_changes_nothing(lms, private_redis, engine):
    with serve(lms, engine=engine) as url:
        earlier = Browser(url, email("learner0"))
        earlier.sign_in()
        before = read_profile(lms, "learner0")
        grader = Browser(url, GRADER)
        with private_redis.stopped(signal.SIGKILL):
            status, key = Browser(url, email("learner0")).sign_in()
            assert status == 500
            assert key is None
            assert grader.sign_in_to_xqueue() == 500
            assert requests.get(f"{url}/heartbeat", timeout=60).status_code == 503
            assert read_profile(lms, "learner0") == before
            # Sessions in the database do not need Redis. Sessions in Redis are lost.
            assert earlier.is_signed_in() is (engine == "db")
        assert requests.get(f"{url}/heartbeat", timeout=60).status_code == 200
        assert_all_is_mended(lms, url)
        assert not earlier.is_signed_in()
