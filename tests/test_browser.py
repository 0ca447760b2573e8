"""
The pages in a real browser: the Chromium of the system.

Without Chromium these tests are skipped, or fail if the environment variable CI is set. ``make screenshots`` sets
SCREENSHOTS to the folder in which they store pictures of the pages.
"""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.operators.views import PAGE_SIZE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = os.environ.get("SCREENSHOTS")
EXEMPTIONS = "/single_login/exemptions/"
WRONG = "wrong"
WIDE, NARROW = {"width": 1280, "height": 700}, {"width": 320, "height": 640}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def chromium():
    """Start Chromium once for all tests."""
    if CHROMIUM is None:
        missing = "Chromium is not installed: the browser tests need it (apt-get install chromium)."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    # Playwright's event loop runs in this thread. Django refuses to use the database there by default.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(autouse=True)
def _accounts(settings):
    """Create a learner, a staff user and an exempt service account."""
    cache.clear()
    settings.SINGLE_LOGIN_EXEMPT_GROUPS = ["xqueue"]
    settings.FEATURES = {**settings.FEATURES, "PREVENT_CONCURRENT_LOGINS": True}
    UserFactory(username="honor")
    UserFactory(username="staff", is_staff=True, is_superuser=True)
    UserFactory(username="xqwatcher", groups=["xqueue"])


@pytest.fixture
def open_page(chromium, live_server):
    """Return a function that opens a page with separate cookies. Errors in the browser's console fail the test."""
    contexts, errors = [], []

    def open_one(**options):
        context = chromium.new_context(base_url=live_server.url, **{"viewport": WIDE, "locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if is_fault(message) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


def is_fault(message):
    """Tell whether ``message`` is an error other than the status of the page itself."""
    return message.type == "error" and message.location["url"] != message.page.url


def sign_in(page, username, path="/dashboard"):
    """Open ``path``, fill in the sign-in page and wait for the redirect back."""
    page.goto(path)
    page.get_by_label("Email or username").fill(username)
    page.get_by_label("Password").fill(TEST_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")


def assert_accessible(page):
    """Assert that axe-core finds no violation on the page."""
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def assert_nothing_overflows(page):
    """Assert that the page is not wider than its window."""
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1], widths


def assert_nothing_is_cut_off(page):
    """Fail when an element on the page ends outside the window, or hides a part of its text."""
    # A card needs no header row. The filter's text may be longer than its field.
    beyond = page.locator("header *, main :not(thead, thead *, input)").evaluate_all(
        """elements => elements.filter(element => {
            const box = element.getBoundingClientRect();
            const hides = getComputedStyle(element).overflowX != "visible";
            return box.left < 0 || box.right > innerWidth || (hides && element.scrollWidth > element.clientWidth);
        }).map(element => element.outerHTML.slice(0, 100))"""
    )
    assert beyond == []


def shoot(page, name):
    """Store a picture of the page, if SCREENSHOTS is set."""
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def configure_findings(settings):
    """Configure exemptions with several findings."""
    settings.SINGLE_LOGIN_EXEMPT_USERNAMES = ["ci-robot", "xqwacher"]
    settings.SINGLE_LOGIN_EXEMPT_GROUPS = ["xqueue", "graders"]
    UserFactory(username="ci-robot", is_staff=True)
    for username in ("grader-east", "grader-west"):
        UserFactory(
            username=username, groups=["xqueue", "graders"], last_login=datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
        )


def test_learner_is_evicted_by_a_second_login_and_told_why(open_page):
    first, second = open_page(), open_page()
    sign_in(first, "honor")
    expect(first.get_by_text("One session.")).to_be_visible()
    sign_in(second, "honor")
    first.reload()
    expect(first).to_have_url("/login?next=/dashboard")
    expect(first.get_by_role("region", name="You were signed out here")).to_contain_text("signed in somewhere else")
    assert_accessible(first)
    shoot(first, "login")
    second.reload()
    expect(second.get_by_role("heading", name="Dashboard")).to_be_visible()


def test_exempt_account_keeps_both_sessions(open_page):
    first, second = open_page(), open_page()
    for page in (first, second):
        sign_in(page, "xqwatcher")
    for page in (first, second):
        page.reload()
        expect(page.get_by_text("Exempt.")).to_be_visible()
    assert_accessible(first)


def test_keyboard_alone_signs_in_and_out(open_page):
    page = open_page()
    page.goto("/dashboard")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Email or username")).to_be_focused()
    page.keyboard.type("honor")
    page.keyboard.press("Tab")
    page.keyboard.type(TEST_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_login_error_has_the_focus_without_javascript(open_page):
    page = open_page(java_script_enabled=False)
    page.goto("/login")
    page.get_by_label("Email or username").fill("honor")
    page.get_by_label("Password").fill(WRONG)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title(re.compile("^Not signed in: "))
    expect(page.get_by_role("alert")).to_be_focused()
    for label in ("Email or username", "Password"):
        expect(page.get_by_label(label)).to_have_accessible_description("Email or password is incorrect.")
        expect(page.get_by_label(label)).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Email or username")).to_be_focused()
    expect(page.get_by_label("Email or username")).to_have_value("honor")


def refuse(page, username="honor", password=WRONG):
    """Submit wrong credentials. The validation of the browser is off, so that the server answers."""
    page.goto("/login")
    page.locator("main form").evaluate("form => form.noValidate = true")
    page.get_by_label("Email or username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_focused()


def exceed_the_limit(page, settings):
    settings.LOGISTRATION_RATELIMIT_RATE = "0/5m"
    refuse(page)
    expect(page.get_by_role("alert")).to_contain_text("Too many")


def break_the_server(page, settings):
    settings.LOGIN_REDIRECT_URL = "no name of a URL"
    page.goto("/login")
    expect(page.get_by_role("heading", name="Something went wrong")).to_be_visible()


def sign_in_elsewhere(page, settings):
    sign_in(page, "honor")
    elsewhere = Client()
    elsewhere.post("/login", {"email_or_username": "honor", "password": TEST_PASSWORD})
    page.reload()
    expect(page.get_by_role("region", name="You were signed out here")).to_be_visible()


def switch_the_protection_off(page, settings):
    settings.FEATURES = {**settings.FEATURES, "PREVENT_CONCURRENT_LOGINS": False}
    sign_in(page, "staff")
    expect(page.get_by_text("Off:")).to_be_visible()


def be_refused_a_page(page, settings):
    sign_in(page, "honor")
    assert page.goto(EXEMPTIONS).status == 403


def send_an_old_page(page, settings):
    page.goto("/login")
    page.context.clear_cookies()
    page.get_by_label("Email or username").fill("honor")
    page.get_by_label("Password").fill(WRONG)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Not sent")).to_be_visible()


def show_findings(page, settings):
    configure_findings(settings)
    sign_in(page, "staff", EXEMPTIONS)
    expect(page.get_by_text("Did you mean 'xqwatcher'?")).to_be_visible()


def find_nobody(page, settings):
    sign_in(page, "staff", EXEMPTIONS)
    page.goto(f"{EXEMPTIONS}?q=nobody")
    expect(page.get_by_text("No exempt account has “nobody”")).to_be_visible()


def go_on_to_the_next_page(page, settings):
    for number in range(PAGE_SIZE):
        UserFactory(username=f"grader-{number}", groups=["xqueue"])
    sign_in(page, "staff", EXEMPTIONS)
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()


def exempt_nobody(page, settings):
    settings.SINGLE_LOGIN_EXEMPT_GROUPS = []
    sign_in(page, "staff", EXEMPTIONS)
    expect(page.get_by_text("No account is exempt.")).to_be_visible()


def show_exemptions_while_it_is_off(page, settings):
    switch_the_protection_off(page, settings)
    page.goto(EXEMPTIONS)
    expect(page.get_by_text("The protection is off")).to_be_visible()


STATES = {
    "sign-in": lambda page, settings: page.goto("/login"),
    "refused": lambda page, settings: refuse(page),
    "nothing filled in": lambda page, settings: refuse(page, "", ""),
    "no password": lambda page, settings: refuse(page, "honor", ""),
    "too many": exceed_the_limit,
    "an old page": send_an_old_page,
    "signed in elsewhere": sign_in_elsewhere,
    "signed out": lambda page, settings: page.goto("/logout"),
    "one session": lambda page, settings: sign_in(page, "honor"),
    "exempt": lambda page, settings: sign_in(page, "xqwatcher"),
    "protection off": switch_the_protection_off,
    "exemptions": show_findings,
    "exemptions, filtered": find_nobody,
    "exemptions, page 2": go_on_to_the_next_page,
    "exemptions, none": exempt_nobody,
    "exemptions, off": show_exemptions_while_it_is_off,
    "malformed": lambda page, settings: page.goto("/login?" + "x&" * 1001),
    "not allowed": be_refused_a_page,
    "not found": lambda page, settings: page.goto("/nowhere"),
    "server error": break_the_server,
}


@pytest.mark.parametrize("state", STATES)
def test_every_page_state_is_accessible_in_light_and_dark(open_page, settings, state):
    page = open_page()
    STATES[state](page, settings)
    for color_scheme in ("light", "dark"):
        page.emulate_media(color_scheme=color_scheme)
        brightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        assert (sum(brightness) < 3 * 128) == (color_scheme == "dark")
        assert_accessible(page)


def test_staff_finds_accounts_and_findings_and_goes_on_to_the_admin(open_page, settings):
    configure_findings(settings)
    page = open_page()
    sign_in(page, "staff", EXEMPTIONS)
    expect(page.get_by_role("row")).to_have_count(5)
    expect(page.get_by_text("Did you mean 'xqwatcher'?")).to_be_visible()
    assert_accessible(page)
    shoot(page, "exemptions")
    page.get_by_label("Username contains").fill("xqw")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="xqwatcher").click()
    expect(page.get_by_text("exempt (SINGLE_LOGIN_EXEMPT_GROUPS: xqueue)")).to_be_visible()


def test_the_exemptions_page_with_the_keyboard_alone_and_without_javascript(open_page):
    page = open_page(java_script_enabled=False)
    sign_in(page, "staff", EXEMPTIONS)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Username contains")).to_be_focused()
    page.keyboard.type("nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No exempt account has “nobody”")).to_be_visible()


def test_the_exemptions_page_is_not_for_a_learner(open_page):
    page = open_page()
    sign_in(page, "honor")
    response = page.goto(EXEMPTIONS)
    assert response.status == 403
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in")).to_have_count(0)
    expect(page.get_by_text("xqwatcher")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_exemptions_page_redirects_a_visitor_to_sign_in(open_page):
    page = open_page()
    page.goto(EXEMPTIONS)
    expect(page).to_have_url(f"/login?next={EXEMPTIONS}")


LINES = (
    "element => { const text = new Range(); text.selectNodeContents(element); return text.getClientRects().length; }"
)


def test_a_narrow_exemptions_page_shows_each_account_as_a_card_and_breaks_no_name(open_page, settings):
    configure_findings(settings)
    page = open_page(viewport={"width": 375, "height": 900})
    sign_in(page, "staff", EXEMPTIONS)
    assert_nothing_overflows(page)
    assert_nothing_is_cut_off(page)
    assert_accessible(page)
    names = page.locator("bdi")
    assert {name.evaluate(LINES) for name in names.all()} == {1}, names.all_inner_texts()
    cells = page.get_by_role("row").filter(has_text="grader-east").get_by_role("cell")
    expect(cells).to_have_count(6)
    for cell in cells.all():
        expect(cell).to_be_visible()


@pytest.mark.parametrize("width", [375, 700, 1024, 1025, 1280])
def test_nothing_of_the_exemptions_page_is_cut_off(open_page, settings, width):
    configure_findings(settings)
    settings.SINGLE_LOGIN_EXEMPT_USERNAMES = ["y" * 150, *settings.SINGLE_LOGIN_EXEMPT_USERNAMES]
    UserFactory(username="x" * 150, groups=["xqueue"])
    page = open_page(viewport={"width": width, "height": 900})
    sign_in(page, "staff", EXEMPTIONS)
    assert_nothing_overflows(page)
    assert_nothing_is_cut_off(page)


def test_the_exemptions_page_leads_back_to_the_site_and_out(open_page):
    page = open_page()
    sign_in(page, "staff", EXEMPTIONS)
    page.get_by_role("link", name="Back to the site").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    page.goto(EXEMPTIONS)
    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_nothing_overflows_a_narrow_window(open_page, settings):
    configure_findings(settings)
    UserFactory(username="x" * 150, groups=["xqueue"])
    first, second = open_page(viewport=NARROW), open_page(viewport=NARROW)
    sign_in(first, "staff")
    assert_nothing_overflows(first)
    sign_in(second, "staff", EXEMPTIONS)
    assert_nothing_overflows(second)
    assert_accessible(second)
    first.reload()
    expect(first.get_by_role("region", name="You were signed out here")).to_be_visible()
    assert_nothing_overflows(first)
