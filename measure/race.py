"""
Simultaneous logins: which sessions of an account are accepted afterwards, and which one is on record.

  log in         new browsers sign in at the same moment
  sign in again  one of the browsers is signed in already
  reload         a signed-in browser reloads the dashboard in many tabs, while another browser signs in
  swap           two signed-in browsers sign in as each other
  random         browsers sign in, reload, sign out and change the password at random

After each round every session is asked for the dashboard. The session on record must be accepted. At the level "exempt
only" with the engine db, no other session may be accepted. With the check at every request, no other session may be
accepted on any engine. After "random" an account may have no session, and at "exempt only" the only promise is: no 5xx.
A password change gives a session a new key there.

Without --url this runs on MariaDB and Redis at both levels, for each session engine, with and without ATOMIC_REQUESTS,
in processes and threads. With --url, --account takes two accounts that are not exempt. With one there is no swap.
Passwords are changed in the admin, which edx-platform does not allow.
"""

import contextlib
import itertools
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from measure.figures import show
from measure.populate import populate
from testing.visitor import Browser

ACCOUNTS = ["racer", "rival"]
DOCUMENT = "docs/reliability.rst"
LEVELS = {"exempt only": False, "check at every request": True}
CONFIGURATIONS = list(itertools.product(LEVELS, ["cache", "cached_db", "db"], [True, False], [(4, 1), (8, 1), (2, 4)]))
RANDOM = "random"
ROUNDS = [*(("log in", number) for number in (2, 5, 20, 50)), ("sign in again", 2), ("reload", 5), ("swap", 2)]
ACTIONS = ("log in", "sign in again", "swap", "reload", "sign out", "change the password")
BROWSERS = 12
FAULTS = ("several", "none", "not on record", "5xx")


class Race:
    """The browsers at a site, and every session that they got. With ``lms`` the race also reads the record."""

    def __init__(self, url, accounts, password, lms=None):
        self.url, self.accounts, self.password, self.lms = url, accounts, password, lms
        self.statuses, self.tab_statuses, self.tabs, self.claims = Counter(), Counter(), {}, {}

    def browser(self, account=None):
        """Return a browser on the sign-in page. The default is the first account."""
        browser = Browser(self.url, account or self.accounts[0], self.password).open()
        browser.statuses = self.statuses
        return browser

    def sign_in(self, browser, account=None):
        """Sign in, as ``account`` if it is given. Return the browser."""
        browser.account = account or browser.account
        browser.sign_in()
        return self.remember(browser)

    def forget(self):
        """Start a new round."""
        for each in (self.tabs, self.claims, self.statuses, self.tab_statuses):
            each.clear()

    def tab(self, browser):
        """Return a tab of ``browser``. The answers to tabs are counted separately from those to logins."""
        tab = browser.tab()
        tab.statuses = self.tab_statuses
        return tab

    def remember(self, browser):
        """Remember the session of ``browser``, which is asked at the end of the round. Return the browser."""
        if browser.session_key:
            self.tabs.setdefault(browser.session_key, self.tab(browser))
        return browser

    def play(self, kind, number):
        """Play a round with ``number`` browsers, or for so many seconds. Return the promises that it broke."""
        self.forget()
        if kind == "log in":
            at_once([partial(self.sign_in, self.browser()) for _ in range(number)])
        elif kind == "sign in again":
            browsers = [self.sign_in(self.browser()), *(self.browser() for _ in range(number - 1))]
            at_once([partial(self.sign_in, browser) for browser in browsers])
        elif kind == "reload":
            browser, other = self.sign_in(self.browser()), self.browser()
            at_once([partial(self.sign_in, other), *(self.tab(browser).is_signed_in for _ in range(number - 1))])
        elif kind == "swap":
            one, other = (self.sign_in(self.browser(account)) for account in self.accounts)
            at_once([partial(self.sign_in, one, other.account), partial(self.sign_in, other, one.account)])
        return self.judge(at_least=1)

    def wander(self, seconds, seed):
        """Let browsers act at random for ``seconds``. Return the promises that are broken then."""
        self.forget()
        deadline = time.monotonic() + seconds

        def visit(number):
            choose = random.Random(f"{seed} {number}")  # noqa: S311
            browser = self.browser()
            while time.monotonic() < deadline:
                self.act(browser, choose.choice(ACTIONS), choose.choice(self.accounts))

        at_once([partial(visit, number) for number in range(BROWSERS)])
        return self.judge(at_least=0)

    def act(self, browser, action, account):
        """Do one of ACTIONS. An action that signs in uses ``account``."""
        if action == "log in":
            browser.session.cookies.clear()
        if action == "reload":
            at_once([self.tab(browser).is_signed_in, browser.is_signed_in])
        elif action == "sign out":
            browser.sign_out()
        elif action == "change the password":
            fields = dict.fromkeys(("old_password", "new_password1", "new_password2"), self.password)
            key = browser.session_key
            browser.request("POST", "/admin/password_change/", data=fields)
            # The session's key changes, its claim does not.
            self.claims[browser.session_key] = self.claims.get(key, key)
        else:
            self.sign_in(browser, None if action == "sign in again" else account)
        self.remember(browser)

    def judge(self, at_least):
        """Return the promises that are broken now. Each account must have ``at_least`` so many sessions."""
        tabs = list(self.tabs.items())
        with ThreadPoolExecutor(BROWSERS) as pool:
            accepted = list(pool.map(lambda item: item[1].is_signed_in(), tabs))
        faults = {"5xx"} if any(status >= 500 for status in self.statuses | self.tab_statuses) else set()
        if at_least and not tabs:
            faults.add("none")
        for account in {tab.account for _, tab in tabs}:
            keys = [
                self.claims.get(key, key)
                for (key, tab), is_accepted in zip(tabs, accepted, strict=True)
                if is_accepted and tab.account == account
            ]
            faults |= {"several"} if len(keys) > 1 else {"none"} if len(keys) < at_least else set()
            if self.lms and keys and recorded_key(self.lms, account) not in keys:
                faults.add("not on record")
        return faults


def at_once(actions):
    """Run all ``actions`` at the same moment."""
    barrier = threading.Barrier(len(actions))

    def act(action):
        barrier.wait()
        action()

    with ThreadPoolExecutor(len(actions)) as pool:
        list(pool.map(act, actions))


def recorded_key(lms, username):
    """Return the session key on record, read from the database."""
    with contextlib.closing(lms.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT meta FROM auth_userprofile p JOIN auth_user u ON u.id = p.user_id WHERE username = %s", [username]
        )
        return json.loads(cursor.fetchone()[0]).get("session_id")


def add_arguments(parser):
    """Add the race's own options."""
    parser.add_argument("--rounds", type=int, default=6, help="of each kind; of those with 50 browsers an eighth")
    parser.add_argument("--random", type=float, default=10, metavar="SECONDS", help="how long to do anything at random")
    parser.add_argument("--seed", default="0", help="of what is random")
    parser.add_argument(
        "--level", choices=LEVELS, default="exempt only", help="of the site at --url (default: exempt only)"
    )


def on_site(url, options, lms=None, level=None, configuration="-"):
    """Return a row for each kind and number of browsers at ``url``, a site at ``level``."""
    race = Race(url, options.account, options.password, lms)
    for account in () if lms else options.account:
        status, _ = race.browser(account).sign_in()
        if status != 200:
            raise SystemExit(f"{account} cannot sign in at {url}: answered {status}.")
    rows = []

    def play(kind, browsers, rounds, play_round):
        row = {"site": options.label, "level": level or options.level, "configuration": configuration}
        row |= {"kind": kind, "browsers": browsers}
        row |= {"rounds": rounds, **dict.fromkeys(FAULTS, 0), "answered 200": 0, "answered 400": 0}
        for number in range(rounds):
            show(f"{row}: {number}")
            row |= {name: row[name] + 1 for name in play_round()}
            row |= {f"answered {status}": row[f"answered {status}"] + race.statuses[status] for status in (200, 400)}
        rows.append(row)

    for kind, number in ROUNDS:
        if options.rounds and (kind != "swap" or len(options.account) == 2):
            rounds = max(options.rounds // 8, 1) if number == 50 else options.rounds
            play(kind, number, rounds, partial(race.play, kind, number))
    if options.random:
        play(RANDOM, BROWSERS, 1, partial(race.wander, options.random, options.seed))
    show("")
    return rows


def on_own(lms, options):
    """Return the rows of every configuration of an LMS that is started here."""
    rows = []
    for level, engine, atomic, (workers, threads) in CONFIGURATIONS:
        lms.configure(engine=engine, atomic_requests=atomic, SINGLE_LOGIN_CHECK_EVERY_REQUEST=LEVELS[level])
        # Staff can change their passwords in the admin.
        populate(lms, {account: [] for account in options.account}, are_staff=True)
        with lms.serve(workers=workers, threads=threads) as url:
            configuration = f"{engine}, {'atomic' if atomic else 'not atomic'}, {workers} x {threads}"
            rows += on_site(url, options, lms, level, configuration)
    return rows


def find_failures(rows):
    """Return a sentence for each broken promise."""
    faults = [[f"{row[name]} {name}" for name in FAULTS if row[name] and is_promised(row, name)] for row in rows]
    return [
        "{site} {level}, {configuration}: {browsers} {kind}: ".format(**row) + ", ".join(found)
        for row, found in zip(rows, faults, strict=True)
        if found
    ]


def is_promised(row, fault):
    """Tell whether ``fault`` breaks a promise in the configuration of ``row``."""
    if LEVELS[row["level"]] or fault == "5xx":
        return True
    is_settled_by_a_login = row["kind"] != RANDOM
    return is_settled_by_a_login and (fault != "several" or row["configuration"].startswith("db"))


def summarise(rows):
    """Return one row for each site, level, kind and number of browsers, which sums up all configurations."""
    lines = {}
    for row in rows:
        names = ("site", "level", "kind", "browsers")
        line = lines.setdefault(tuple(row[name] for name in names), {name: row[name] for name in names})
        numbers = {name: value for name, value in row.items() if name not in (*names, "configuration")}
        line |= {name: line.get(name, 0) + value for name, value in numbers.items()}
    return list(lines.values())
