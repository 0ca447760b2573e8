"""
Count the statements of a login, a request and a logout on the stand-in, with the wheel and without it.

Prints rows as JSON. ``make cost`` runs this, in an environment of tox.
"""

import json
import sys

from journeys import take_journeys

ON = {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}}
BY_NAME = {**ON, "SINGLE_LOGIN_EXEMPT_USERNAMES": ["worker"]}
BY_GROUP = {**ON, "SINGLE_LOGIN_EXEMPT_GROUPS": ["graders"]}
# Visits of standin/journey.py. The second login of each account ends a session, unless the account is exempt.
ANNA = {"login": ("b", "login"), "request": ("b", "api"), "logout": ("c", "logout")}
WORKER = {"login": ("e", "login"), "request": ("e", "dashboard"), "logout": ("d", "logout")}
# Without the wheel, that session of the worker has been ended before it signs out.
WORKER_WITHOUT = {**WORKER, "logout": ANNA["logout"]}
ROWS = {
    "not exempt; nothing is set": (ON, ANNA, ANNA),
    "not exempt; another account is exempt by name": (BY_NAME, ANNA, ANNA),
    "not exempt; a group is exempt": (BY_GROUP, ANNA, ANNA),
    "exempt by name": (BY_NAME, WORKER, WORKER_WITHOUT),
    "exempt by group": (BY_GROUP, WORKER, WORKER_WITHOUT),
}


def count(record, browser, action):
    """Return the number of statements of the first such visit."""
    visit = next(visit for visit in record["visits"] if visit["visit"][:2] == [browser, action])
    return len(visit["statements"])


def main():
    """Print a row for each account."""
    records = take_journeys({who: ("lms.envs.flags", settings) for who, (settings, _, _) in ROWS.items()})
    rows = []
    for who, (_, visits, visits_without) in ROWS.items():
        with_wheel, without_wheel = records[who]
        row = {"account": who}
        for what in visits:
            row[f"{what} without"] = count(without_wheel, *visits_without[what])
            row[f"{what} with"] = count(with_wheel, *visits[what])
        rows.append(row)
    json.dump(rows, sys.stdout)


main()
