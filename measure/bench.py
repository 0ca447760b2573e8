#!/usr/bin/env python
"""
The cost of the guard: of the decision, of the receiver, and of a login request with it.

What is compared is measured in turns, in one process. Exits 1 if a bound of issue 6 is not met.
"""

import argparse
import sys

from measure import bench_decision, bench_login, bench_receiver
from measure.figures import PERFORMANCE, describe_machine, insert, paragraph, table, write_json
from measure.measured_lms import django_on, measured_lms

PARTS = {
    # The rounds of a login are few, because each hashes a password as slowly as a real site does.
    "decision": (bench_decision, 50),
    "receiver": (bench_receiver, 500),
    "login": (bench_login, 40),
}


def measure_all(scale):
    """Measure every part; return the rows by part."""
    from measure.bench_cases import create_account

    create_account()
    rows = {}
    for name, (part, rounds) in PARTS.items():
        print(f"Measuring the {name} ...", flush=True)
        rows[name] = part.measure(max(3, round(scale * rounds)))
    return rows


def publish(rows, servers):
    """Write the rows and the tables; print the tables."""
    machine = describe_machine(servers)
    print(f"\n{machine}")
    write_json("bench", {"machine": machine, **rows})
    insert(PERFORMANCE, "machine", paragraph(machine))
    for name, (part, _) in PARTS.items():
        text = table(part.summaries(rows[name]))
        print(f"\n{text}")
        insert(PERFORMANCE, name, text)


def main():
    """Measure as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--scale", type=float, default=1, help="less than 1 for fewer rounds")
    options = parser.parse_args()
    with measured_lms() as (lms, servers), django_on(lms):
        rows = measure_all(options.scale)
    publish(rows, servers)
    failures = [failure for name, (part, _) in PARTS.items() for failure in part.find_failures(rows[name])]
    print("\n".join(["", *failures]))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
