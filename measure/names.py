"""
The time of the system checks, the command and the page with 1,000 to 100,000 exempt names.

There is no --url, because it changes the settings and creates accounts. One name in a hundred matches no account. Each
command is a new process. The first column is a process that looks up nothing.
"""

import time
from functools import partial

from measure.figures import show
from measure.populate import populate
from testing.visitor import Browser

ACCOUNTS = ["staff"]
DOCUMENT = "docs/performance.rst"
SIZES = [1_000, 10_000, 100_000]
PAGE = "/single_login/exemptions/"
MATCHING = 0.99
MOST_SECONDS_FOR_A_NAME = 0.001
CREATE = """
import sys
import django
django.setup()
from django.contrib.auth.models import User
users = (User(username=f"robot-{number}", password="!") for number in range(int(sys.argv[1])))
User.objects.bulk_create(users, batch_size=5000)
"""


def add_arguments(parser):
    """Add the options of this measurement."""
    parser.add_argument("--names", type=int, nargs="+", default=SIZES, help="how many names (default: %(default)s)")


def on_own(lms, options):
    """Return a row for each number of names."""
    populate(lms, {ACCOUNTS[0]: []}, are_staff=True)
    lms.python("-c", CREATE, str(int(max(options.names) * MATCHING)))
    return [_measure(lms, options.label, number) for number in options.names]


def _measure(lms, label, number):
    show(f"{number} names")
    matching = int(number * MATCHING)
    names = [f"robot-{position}" for position in range(matching)]
    names += [f"nobody-{position}" for position in range(number - matching)]
    lms.configure(SINGLE_LOGIN_EXEMPT_USERNAMES=names)
    seconds = {
        "start, s": _clock(partial(lms.manage, "version")),
        "check, s": _clock(partial(lms.manage, "check", "--database=default")),
        "command, s": _clock(partial(lms.manage, "single_login_exemptions")),
        "command --format json, s": _clock(partial(lms.manage, "single_login_exemptions", "--format=json")),
    }
    with lms.serve(workers=1) as url:
        browser = Browser(url, ACCOUNTS[0])
        status, _ = browser.sign_in()
        if status != 200:
            raise SystemExit(f"{browser.account} cannot sign in at {url}: answered {status}.")
        seconds["page, s"] = min(_clock(partial(_open_page, browser)) for _ in range(3))
    show("")
    return {"site": label, "names": number, **seconds}


def _open_page(browser):
    # A redirect leads to the sign-in page. Its time says nothing.
    response = browser.session.get(f"{browser.url}{PAGE}", timeout=600, allow_redirects=False)
    if response.status_code != 200:
        raise SystemExit(f"{browser.account} cannot open {PAGE} at {browser.url}: answered {response.status_code}.")


def _clock(action):
    start = time.perf_counter()
    action()
    return round(time.perf_counter() - start, 1)


def find_failures(rows):
    """Return a sentence for each time that is more than a millisecond for each name, and more than five seconds."""
    return [
        f"{row['names']} names: {what.removesuffix(', s')} took {row[what]} seconds."
        for row in rows
        for what in ("check, s", "command, s", "page, s")
        if row[what] - row["start, s"] > max(MOST_SECONDS_FOR_A_NAME * row["names"], 5)
    ]
