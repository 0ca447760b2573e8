"""
What the protection costs: a request of somebody who is signed in, and a login, as ratios to the first row.

Whoever is compared takes turns, so that what else the machine does slows all of them alike. Times are medians, as the
client waits. On the LMS of our own passwords are hashed cheaply, so that the rest of a login shows.

Without --url it compares accounts that are exempt by either rule, and one that is not, with the protection off. On a
site of your own, by --url, it compares the accounts of --account with the first of them.
"""

import statistics
import time

from measure.figures import show
from measure.populate import populate
from testing.production_lms import ProductionLms
from testing.visitor import Browser

ACCOUNTS = ["learner"]
DOCUMENT = "docs/performance.rst"
MOST = 1.5
SETTINGS = {"SINGLE_LOGIN_EXEMPT_USERNAMES": ["named"], "SINGLE_LOGIN_EXEMPT_GROUPS": ["exempt"]}
OFF, WHO = "off", {"not exempt": "learner", "exempt by username": "named", "exempt by group": "grouped"}


def add_arguments(parser):
    """Add the cost's own options."""
    parser.add_argument("--rounds", type=int, default=500, help="requests of each; of logins a fifth")


def on_site(url, options):
    """Return a row for each account."""
    return _compare({account: Browser(url, account, options.password) for account in options.account}, options)


def on_own(lms, options):
    """Return a row for each way to be treated, on two LMSs that share everything but the protection."""
    lms.configure(**SETTINGS)
    populate(lms, {OFF: [], **{who: ["exempt"] if who == "grouped" else [] for who in WHO.values()}})
    folder = lms.folder / OFF
    folder.mkdir()
    other = ProductionLms(folder, lms.database, lms.prefix)
    other.configure(PREVENT_CONCURRENT_LOGINS=False, **SETTINGS)
    with lms.serve(workers=1) as on, other.serve(workers=1) as off:
        browsers = {how: Browser(on, who) for how, who in WHO.items()}
        return _compare({"protection off": Browser(off, OFF), **browsers}, options)


def _compare(browsers, options):
    logins, requests = _take_turns(browsers, options.rounds // 5, _log_in), _take_turns(browsers, options.rounds, _ask)
    first = next(iter(browsers))
    return [
        {"site": options.label, "who": who}
        | {"request, ms": round(requests[who], 2), "request, ratio": round(requests[who] / requests[first], 3)}
        | {"login, ms": round(logins[who], 2), "login, ratio": round(logins[who] / logins[first], 3)}
        for who in browsers
    ]


def _take_turns(browsers, rounds, action):
    times = {who: [] for who in browsers}
    for number in range(max(rounds, 1)):
        show(f"{action.__name__.strip('_')}: {number} of {rounds}")
        for who, browser in browsers.items():
            times[who].append(action(browser))
    show("")
    return {who: 1000 * statistics.median(seconds) for who, seconds in times.items()}


def _log_in(browser):
    browser.session.cookies.clear()
    browser.open()
    start = time.perf_counter()
    status, _ = browser.sign_in()
    if status != 200:
        raise SystemExit(f"{browser.account} cannot sign in at {browser.url}: answered {status}.")
    return time.perf_counter() - start


def _ask(browser):
    start = time.perf_counter()
    if not browser.is_signed_in():
        raise SystemExit(f"{browser.account} was signed out of {browser.url}: does anybody else use the account?")
    return time.perf_counter() - start


def find_failures(rows):
    """Return what is not as it has to be, a sentence for each."""
    return [
        f"{row['who']}: a signed-in request takes {row['request, ratio']} times as long as {rows[0]['who']}."
        for row in rows
        if row["request, ratio"] > MOST
    ]
