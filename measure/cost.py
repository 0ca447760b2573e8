"""
What the protection costs: a request of somebody who is signed in, and a login, as ratios to the first row.

The variants are measured in turns, so that background load affects all of them equally. A time is the median, as the
client waits. A ratio is the median of the ratios within one turn. Without --url passwords are hashed cheaply, so that
the rest of a login can be seen.

Without --url it compares one account on LMSs that differ only in their settings, and also counts the statements that
the database received. "Protection off, again" shows the noise: the ratio of two equal variants. With --url it compares
the accounts of --account with the first of them.
"""

import contextlib
import statistics
import time

from measure.figures import show
from measure.populate import populate
from measure.users import REFUSED
from testing.production_lms import ProductionLms
from testing.visitor import Browser

ACCOUNTS = ["grader"]
DOCUMENT = "docs/performance.rst"
MOST = 1.2
GROUP = "xqueue"
STATEMENTS = "request, statements"
API = "/xqueue/get_submission/?queue_name=empty"
BY_NAME = {"SINGLE_LOGIN_EXEMPT_USERNAMES": ACCOUNTS}
BY_GROUP = {"SINGLE_LOGIN_EXEMPT_GROUPS": [GROUP]}
EVERY = {"SINGLE_LOGIN_CHECK_EVERY_REQUEST": True}
# The rows of an account that is not exempt.
EXEMPT_ONLY, CHECKED = "exempt only, not exempt", "check at every request, not exempt"
# "protection off, again" shows the noise of the ratios.
VARIANTS = {
    "protection off": {"PREVENT_CONCURRENT_LOGINS": False},
    "protection off, again": {"PREVENT_CONCURRENT_LOGINS": False},
    EXEMPT_ONLY: {},
    "exempt only, exempt by name": BY_NAME,
    "exempt only, exempt by group": BY_GROUP,
    CHECKED: EVERY,
    "check at every request, exempt by name": {**EVERY, **BY_NAME},
    "check at every request, exempt by group": {**EVERY, **BY_GROUP},
}


def add_arguments(parser):
    """Add the cost's own options."""
    parser.add_argument("--rounds", type=int, default=500, help="requests of each; of logins a fifth")


def on_site(url, options):
    """Return a row for each account, which opens the dashboard."""
    browsers = {account: Browser(url, account, options.password) for account in options.account}
    return _compare(browsers, options, Browser.is_signed_in)


def on_own(lms, options):
    """Return a row for each variant: one LMS for each, with the same account, database and store."""
    lms.configure()
    populate(lms, {ACCOUNTS[0]: [GROUP]})
    with contextlib.ExitStack() as stack:
        browsers = {}
        for number, (variant, settings) in enumerate(VARIANTS.items()):
            folder = lms.folder / str(number)
            folder.mkdir()
            server = ProductionLms(folder, lms.database, lms.prefix)
            server.configure(**settings)
            browsers[variant] = Browser(stack.enter_context(server.serve(workers=1)), ACCOUNTS[0])
        rows = _compare(browsers, options, _call_api)
        database = stack.enter_context(contextlib.closing(lms.connect()))
        for row in rows:
            browser = browsers[row["who"]]
            row["login, statements"] = _count_statements(database, lambda browser=browser: _sign_in_anew(browser))
            row[STATEMENTS] = _count_statements(database, lambda browser=browser: _call_api(browser))
        return rows


def _compare(browsers, options, ask):
    logins = _take_turns(browsers, options.rounds // 5, _log_in)
    if {EXEMPT_ONLY, CHECKED} <= browsers.keys():
        # The last of their logins ended the session of the other one. Both use the session on record.
        browsers[CHECKED].sign_in()
        browsers[EXEMPT_ONLY].session.cookies.update(browsers[CHECKED].session.cookies)

    def ask_once(browser):
        start = time.perf_counter()
        if not ask(browser):
            raise SystemExit(f"{browser.account} was signed out of {browser.url}: does anybody else use the account?")
        return time.perf_counter() - start

    requests = _take_turns(browsers, options.rounds, ask_once)
    return [
        {"site": options.label, "who": who, **_describe("request", requests, who), **_describe("login", logins, who)}
        for who in browsers
    ]


def _describe(what, times, who):
    first = next(iter(times.values()))
    ratios = [one / other for one, other in zip(times[who], first, strict=True)]
    milliseconds = 1000 * statistics.median(times[who])
    return {f"{what}, ms": round(milliseconds, 2), f"{what}, ratio": round(statistics.median(ratios), 3)}


def _take_turns(browsers, rounds, action):
    times = {who: [] for who in browsers}
    for number in range(max(rounds, 1)):
        show(f"{action.__name__.strip('_')}: {number} of {rounds}")
        # Each round starts with another variant.
        names = list(browsers)
        first = number % len(names)
        for who in names[first:] + names[:first]:
            times[who].append(action(browsers[who]))
    show("")
    return times


def _call_api(browser):
    return browser.request("GET", API).status_code not in REFUSED


def _log_in(browser):
    browser.session.cookies.clear()
    browser.open()
    start = time.perf_counter()
    status, _ = browser.sign_in()
    if status != 200:
        raise SystemExit(f"{browser.account} cannot sign in at {browser.url}: answered {status}.")
    return time.perf_counter() - start


def _sign_in_anew(browser):
    """Sign in without the session cookie: a session that is on record and signs in again writes nothing."""
    browser.session.cookies.set("sessionid", None)
    browser.sign_in()


def _count_statements(database, action):
    """Return how many statements the database received during ``action``. No other client may use it meanwhile."""
    counts = []
    for _ in range(5):
        before = _read_statements(database)
        action()
        # Reading the number is a statement, too.
        counts.append(_read_statements(database) - before - 1)
    return min(counts)


def _read_statements(database):
    cursor = database.cursor()
    cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
    return int(cursor.fetchone()[1])


def find_failures(rows):
    """Return a sentence for each broken promise."""
    first, failures = rows[0], []
    for row in rows:
        if row["request, ratio"] > MOST:
            failures.append(f"{row['who']}: a request takes {row['request, ratio']} times as long as {first['who']}.")
        more = row.get(STATEMENTS, 0) - first.get(STATEMENTS, 0)
        if more > row["who"].startswith("check at every request"):
            failures.append(f"{row['who']}: a request makes {more} statements more than {first['who']}.")
    return failures
