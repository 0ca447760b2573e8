#!/usr/bin/env python
"""
The cost of a login on a site that grows: from 1,000 to 1,000,000 accounts, from 10 to 100,000 members of a group.

Needs MariaDB and Redis. Exits 1 if a login on the largest site reads more rows or takes longer than on the smallest, or
if a query of the receiver uses no index.
"""

import argparse
import sys

from measure import growth_explain, growth_site
from measure.bench_cases import OFF, ON, create_account, receive
from measure.figures import PERFORMANCE, describe_machine, insert, paragraph, table, write_json
from measure.measured_lms import describe_servers, django_on
from measure.sampling import Case, interleave
from testing.production_lms import find_obstacle

ACCOUNTS = (1_000, 10_000, 100_000, 1_000_000)
MEMBERS = (10, 100, 1_000, 10_000, 100_000)
FLAT = 1.5
ROWS_READ = """
    SELECT SUM(variable_value) FROM information_schema.session_status WHERE variable_name LIKE 'Handler\\_read\\_%%'
"""


def measure_accounts(sites, rounds):
    """Return a row for each site and scenario, the sites taking turns; each sample is of another account."""
    cases = {}
    for size, lms in sites.items():
        print(f"{size:,} accounts ...", flush=True)
        growth_site.use(lms)
        growth_site.fill(size)
        usernames = growth_site.spread(0, size)
        growth_site.form_group("exempt", usernames)
        logins = growth_site.logins_of(lms, usernames)
        scenarios = {
            "protection off": OFF,
            "exempt by username": {**ON, "SINGLE_LOGIN_EXEMPT_USERNAMES": usernames},
            "exempt by group": {**ON, "SINGLE_LOGIN_EXEMPT_GROUPS": ["exempt"]},
            "not exempt": {**ON, "SINGLE_LOGIN_EXEMPT_GROUPS": ["another"]},
        }
        for login, settings in scenarios.items():
            cases[size, login] = Case((size, login), settings, logins, receive, once=True)
    costs = measure(cases.values(), rounds)
    return [{"accounts": size, "login": login, **cost} for (size, login), cost in zip(cases, costs, strict=True)]


def measure_members(lms, sizes, rounds):
    """Return a row for each size of the exempt group, of logins of its members, who are in no other group."""
    growth_site.use(lms)
    growth_site.form_group("exempt", [])
    cases = []
    first = 0
    for size in sizes:
        name = f"members-{size}"
        growth_site.create_group(name, first, size)
        logins = growth_site.logins_of(lms, growth_site.spread(first, size))
        first += size
        cases.append(Case(name, {**ON, "SINGLE_LOGIN_EXEMPT_GROUPS": [name]}, logins, receive, once=True))
    costs = measure(cases, rounds)
    return [{"members": size, "login": "exempt by group", **cost} for size, cost in zip(sizes, costs, strict=True)]


def measure(cases, rounds):
    """Return for each case the rows that its receiver reads, and the seconds that it takes."""
    benchmarks = interleave(cases, rounds)
    return [{"rows_read": count_rows_read(case), "seconds": benchmarks[case.name].median()} for case in cases]


def count_rows_read(case):
    """Return how many rows MariaDB reads for one login, what counting itself reads taken off."""
    from django.db import connection
    from django.test import override_settings

    def read():
        with connection.cursor() as cursor:
            cursor.execute(ROWS_READ)
            return int(cursor.fetchone()[0])

    with override_settings(**case.settings):
        signal = case.prepare()
        first, second = read(), read()
        case.run(signal)
        return (read() - second) - (second - first)


def summaries(rows, size):
    """Return ``rows`` as the document has them: a line for each size."""
    lines = {}
    for row in rows:
        line = lines.setdefault(row[size], {size.capitalize(): f"{row[size]:,}"})
        line[row["login"].capitalize()] = f"{row['rows_read']} / {row['seconds'] * 1e3:.2f}"
    return list(lines.values())


def find_failures(rows, size):
    """Return what grows, a sentence for each."""
    failures = []
    by_login = {}
    for row in rows:
        by_login.setdefault(row["login"], []).append(row)
    for login, (smallest, *larger) in by_login.items():
        for row in larger:
            where = f"{login}, {row[size]:,} {size}"
            if row["rows_read"] > smallest["rows_read"]:
                failures.append(f"{where}: {row['rows_read']} rows are read, not {smallest['rows_read']}")
            if row["seconds"] > FLAT * smallest["seconds"]:
                failures.append(f"{where}: {row['seconds'] / smallest['seconds']:.2f} times as long")
    return failures


def publish(accounts, members, plans, servers):
    """Write the rows and the tables; print the tables."""
    machine = describe_machine(servers)
    write_json("growth", {"machine": machine, "accounts": accounts, "members": members, "queries": plans})
    texts = {
        "growth": paragraph(machine),
        "accounts": table(summaries(accounts, "accounts")),
        "members": table(summaries(members, "members")),
        "explain": growth_explain.describe(plans),
    }
    for name, text in texts.items():
        print(f"\n{text}")
        insert(PERFORMANCE, name, text)


def main():
    """Measure as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="samples of each login")
    parser.add_argument("--most", type=int, default=ACCOUNTS[-1], help="accounts, for a shorter run")
    options = parser.parse_args()
    obstacle = find_obstacle()
    if obstacle:
        sys.exit(obstacle)
    with growth_site.empty_sites([size for size in ACCOUNTS if size <= options.most]) as sites:
        largest = sites[max(sites)]
        with django_on(largest):
            accounts = measure_accounts(sites, options.rounds)
            members = measure_members(largest, [size for size in MEMBERS if size < options.most], options.rounds)
            create_account()
            plans = growth_explain.explain()
    servers = describe_servers()
    publish(accounts, members, plans, servers)
    failures = [
        *find_failures(accounts, "accounts"),
        *find_failures(members, "members"),
        *growth_explain.find_failures(plans),
    ]
    print("\n".join(["", *failures]))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
