"""
Two servers of one site with different settings, as during a deploy, and a server that restarts with new settings.

The servers share MariaDB and Redis. The table under "Kubernetes" in docs/operators.rst is what is tested here.
"""

from contextlib import ExitStack
from itertools import permutations
from typing import NamedTuple

import pytest

from measure.populate import populate
from testing.production_lms import ProductionLms
from testing.visitor import Browser

PERSON, GRADER = "person", "grader"


class Settings(NamedTuple):
    """The settings in a server's lms.yml."""

    check_every_request: bool
    exempt: bool

    def as_lms_yml(self):
        return {
            "SINGLE_LOGIN_CHECK_EVERY_REQUEST": self.check_every_request,
            "SINGLE_LOGIN_EXEMPT_USERNAMES": [GRADER] if self.exempt else [],
        }


DEFAULT, DEFAULT_EXEMPT = Settings(False, False), Settings(False, True)
EVERY_REQUEST, EVERY_REQUEST_EXEMPT = Settings(True, False), Settings(True, True)
ALL = (DEFAULT, DEFAULT_EXEMPT, EVERY_REQUEST, EVERY_REQUEST_EXEMPT)
PAIRS = list(permutations(ALL, 2))


class Site:
    """Servers with different settings on one database and one session store."""

    def __init__(self, lms, folder, stack):
        self.urls, self.logs = {}, {}
        for number, settings in enumerate(ALL):
            server_folder = folder / str(number)
            server_folder.mkdir()
            server = ProductionLms(server_folder, lms.database, lms.prefix)
            server.configure(**settings.as_lms_yml())
            self.urls[settings] = stack.enter_context(server.serve(workers=1))
            self.logs[settings] = server.log

    def sign_in(self, account, settings):
        """Sign in at the server with ``settings``, in a new browser."""
        browser = Browser(self.urls[settings], account)
        assert browser.sign_in()[0] == 200
        return browser

    def is_signed_in(self, browser, settings):
        """Ask the server with ``settings`` whether ``browser`` is signed in."""
        browser.url = self.urls[settings]
        return browser.is_signed_in()

    def count_evictions(self, settings):
        """Return how many evictions the server with ``settings`` has logged."""
        return self.logs[settings].read_text().count("Single login evicted")


@pytest.fixture(scope="module")
def populated(lms):
    lms.configure()
    populate(lms, {PERSON: [], GRADER: ["xqueue"]})
    return lms


@pytest.fixture(scope="module")
def site(populated, tmp_path_factory):
    with ExitStack() as stack:
        yield Site(populated, tmp_path_factory.mktemp("rollout"), stack)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_case_18_both_servers_accept_a_session_of_a_non_exempt_account(site, old, new):
    browser = site.sign_in(PERSON, old)
    assert [site.is_signed_in(browser, settings) for settings in (new, old, new)] == [True, True, True]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_case_18_a_login_at_one_server_ends_the_session_of_the_other(site, old, new):
    first = site.sign_in(PERSON, old)
    second = site.sign_in(PERSON, new)
    assert [site.is_signed_in(first, settings) for settings in (old, new)] == [False, False]
    assert [site.is_signed_in(second, settings) for settings in (old, new)] == [True, True]


@pytest.mark.parametrize(
    ("old", "new"),
    [(DEFAULT, DEFAULT_EXEMPT), (DEFAULT_EXEMPT, EVERY_REQUEST_EXEMPT), (DEFAULT, EVERY_REQUEST_EXEMPT)],
)
def test_case_18_both_servers_accept_exempt_sessions_while_the_old_one_is_at_exempt_only(site, old, new):
    graders = [site.sign_in(GRADER, new) for _ in range(3)]
    assert all(site.is_signed_in(grader, settings) for grader in graders for settings in (old, new, old))


def test_case_18_at_exempt_only_a_login_at_the_old_server_ends_only_the_session_on_record(site):
    recorded = site.sign_in(GRADER, DEFAULT)
    exempt = site.sign_in(GRADER, DEFAULT_EXEMPT)
    site.sign_in(GRADER, DEFAULT)
    assert not site.is_signed_in(recorded, DEFAULT_EXEMPT)
    assert site.is_signed_in(exempt, DEFAULT)


def test_case_18_at_every_request_the_old_server_ends_exempt_sessions(site):
    exempt = site.sign_in(GRADER, EVERY_REQUEST_EXEMPT)
    assert site.is_signed_in(exempt, EVERY_REQUEST_EXEMPT)
    assert not site.is_signed_in(exempt, EVERY_REQUEST)
    assert not site.is_signed_in(exempt, EVERY_REQUEST_EXEMPT)


def test_a_session_that_lost_its_exemption_is_ended_once_although_the_api_rolls_back(site):
    grader = site.sign_in(GRADER, EVERY_REQUEST_EXEMPT)
    lines = site.count_evictions(EVERY_REQUEST)
    grader.url = site.urls[EVERY_REQUEST]
    answers = [grader.request("GET", "/xqueue/get_submission/?queue_name=none").status_code for _ in range(5)]
    assert set(answers) <= {401, 403}
    assert site.count_evictions(EVERY_REQUEST) == lines + 1
    # The exemption is restored. The old cookie does not sign in.
    assert not site.is_signed_in(grader, EVERY_REQUEST_EXEMPT)


@pytest.mark.parametrize("engine", ["cache", "cached_db", "db"])
def test_switching_the_check_by_a_restart_signs_nobody_out_who_has_one_session(populated, engine):
    populated.configure(engine=engine, **DEFAULT_EXEMPT.as_lms_yml())
    with populated.serve(workers=1) as url:
        first, grader = Browser(url, PERSON), Browser(url, GRADER)
        assert [first.sign_in()[0], grader.sign_in()[0]] == [200, 200]
    for settings in (EVERY_REQUEST_EXEMPT, DEFAULT_EXEMPT, EVERY_REQUEST_EXEMPT):
        populated.configure(engine=engine, **settings.as_lms_yml())
        with populated.serve(workers=1) as url:
            first.url = grader.url = url
            assert [first.is_signed_in(), grader.is_signed_in()] == [True, True]
            second = Browser(url, PERSON)
            assert second.sign_in()[0] == 200
            assert [first.is_signed_in(), second.is_signed_in()] == [False, True]
        first = second
