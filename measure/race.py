#!/usr/bin/env python
"""
Simultaneous logins of one account on a production LMS: how many sessions survive?

Runs every combination of session engine, ATOMIC_REQUESTS and gunicorn processes, prints a row for each, and exits 1 if
in any round the survivors were not exactly the one session on record. Needs MariaDB and Redis (production_lms.py).
"""

import argparse
import itertools
import json
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from testing.production_lms import connect, find_obstacle, production_lms
from testing.visitor import Browser

ENGINES = ["cache", "cached_db", "db"]
ATOMIC_REQUESTS = [True, False]
GUNICORN = [(4, 1), (8, 1), (2, 4)]
EMAIL = "racer@example.com"

CREATE_RACER = """
from django.contrib.auth.models import User
if not User.objects.filter(username="racer"):
    User.objects.create_user("racer", "racer@example.com", "edx")
"""


def recorded_key(lms):
    """Return the session key on record, read past the LMS."""
    with connect() as connection:
        cursor = connection.cursor()
        cursor.execute(
            f"SELECT meta FROM {lms.database}.auth_userprofile p "  # noqa: S608
            f"JOIN {lms.database}.auth_user u ON u.id = p.user_id WHERE username = 'racer'"
        )
        row = cursor.fetchone()
    return json.loads(row[0])["session_id"]


def play_round(lms, url, pool, logins):
    """Sign in ``logins`` times at once; return the survivors, whether they are the recorded one, and the statuses."""
    browsers = list(pool.map(lambda _: Browser(url, EMAIL), range(logins)))
    barrier = threading.Barrier(logins)
    answers = list(pool.map(lambda browser: browser.sign_in(barrier), browsers))
    alive = list(pool.map(Browser.is_signed_in, browsers))
    survivors = [key for (_, key), is_alive in zip(answers, alive, strict=True) if is_alive]
    return len(survivors), survivors == [recorded_key(lms)], Counter(status for status, _ in answers)


def forget_profile(lms):
    """Remove the account's profile, so that the next logins have to create it."""
    with connect() as connection:
        connection.cursor().execute(f"DELETE FROM {lms.database}.auth_userprofile")  # noqa: S608


def race(lms, *, engine, atomic_requests, workers, threads, rounds):
    """
    Play ``rounds``, a mapping of the number of logins to the number of rounds, on one configuration.

    Each number's first round starts without a profile. Returns a row for each number of logins.
    """
    lms.configure(engine=engine, atomic_requests=atomic_requests)
    rows = []
    with lms.serve(workers=workers, threads=threads) as url, ThreadPoolExecutor(max(rounds)) as pool:
        for logins, times in rounds.items():
            forget_profile(lms)
            outcomes = [play_round(lms, url, pool, logins) for _ in range(times)]
            rows.append(
                {
                    "engine": engine,
                    "atomic_requests": atomic_requests,
                    "gunicorn": f"{workers} x {threads}",
                    "logins": logins,
                    "rounds": times,
                    "exact": sum(is_recorded for _, is_recorded, _ in outcomes),
                    "most_survivors": max(survivors for survivors, _, _ in outcomes),
                    "statuses": dict(sum((statuses for _, _, statuses in outcomes), Counter())),
                }
            )
    return rows


def main():
    """Race as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--rounds", type=int, default=17, help="rounds of 20 in each of the 18 configurations")
    options = parser.parse_args()
    obstacle = find_obstacle()
    if obstacle:
        sys.exit(obstacle)
    rounds = {2: options.rounds, 5: options.rounds, 20: options.rounds, 50: max(1, options.rounds // 8)}
    rows = []
    with tempfile.TemporaryDirectory() as folder, production_lms(folder) as lms:
        lms.manage("shell", "--no-imports", "-c", CREATE_RACER)
        for engine, atomic, (workers, threads) in itertools.product(ENGINES, ATOMIC_REQUESTS, GUNICORN):
            sizes = {"workers": workers, "threads": threads}
            for row in race(lms, engine=engine, atomic_requests=atomic, rounds=rounds, **sizes):
                print(json.dumps(row), flush=True)
                rows.append(row)
    total = sum(row["rounds"] for row in rows if row["logins"] == 20)
    inexact = sum(row["rounds"] - row["exact"] for row in rows)
    print(f"{total} rounds of 20, {sum(row['rounds'] for row in rows)} in all; not exactly one survivor: {inexact}")
    sys.exit(inexact > 0)


if __name__ == "__main__":
    main()
