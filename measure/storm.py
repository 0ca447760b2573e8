#!/usr/bin/env python
"""
The login storm, three times: without the exemption, with it, and without the protection.

In each scenario xqueue-watcher's workers sign in to a production LMS as one account and grade for a while. Exits 1 if
with the exemption a worker signed in more than once or was evicted, or if what was graded differs by more than 5 % from
what was graded without the protection.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from measure.figures import PERFORMANCE, README, describe_machine, insert, paragraph, table, write_json
from measure.measured_lms import REAL_HASHERS, measured_lms

SCRIPTS = Path(__file__).resolve().parent
PROCESSES = 4
WORKERS = 20
TOLERANCE = 0.05
SCENARIOS = {
    "no exemption": {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}},
    "exempt": {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}, "SINGLE_LOGIN_EXEMPT_GROUPS": ["xqueue"]},
    "protection off": {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": False}},
}


def run(lms, scenario, workers, seconds):
    """Let ``workers`` grade for ``seconds`` in ``scenario``; return the row."""
    print(f"{workers} workers, {scenario}:", flush=True)
    lms.configure(PASSWORD_HASHERS=REAL_HASHERS, **SCENARIOS[scenario])
    # More than they can take, at a second for each.
    arguments = ["-m", "measure.storm_site", str(workers * (seconds + 1))]
    subprocess.run([sys.executable, *arguments], env=lms.environment, check=True)
    with lms.serve(workers=PROCESSES) as url:
        result = drive(url, lms.folder / "storm.json", workers, seconds)
    print()
    return {"scenario": scenario, "workers": workers, "seconds": seconds, **result}


def drive(url, path, workers, seconds):
    """Run locust; return what it wrote to ``path``."""
    command = ["-m", "locust", "--headless", "--only-summary", "--loglevel", "ERROR", "--exit-code-on-error", "0"]
    size = ["--users", str(workers), "--spawn-rate", str(workers), "--seconds", str(seconds), "--result", str(path)]
    subprocess.run(
        [sys.executable, *command, *size, "--host", url, "--locustfile", str(SCRIPTS / "storm_worker.py")],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.DEVNULL,
        check=True,
    )
    result = json.loads(path.read_text(encoding="utf-8"))
    return {**result, "counts": Counter(result["counts"])}


def summary(row):
    """Return ``row`` as the first table has it."""
    counts = row["counts"]
    return {
        "Scenario": row["scenario"],
        "Logins": counts["logins"],
        "Evictions": counts["evictions"],
        "Graded": counts["graded"],
        "Logins per graded": f"{counts['logins'] / counts['graded']:.3f}" if counts["graded"] else "-",
        **{f"{name}, ms": _times(row["times"][name]) for name in ("login", "get_submission", "put_result")},
    }


def _times(times):
    return "{p50_ms:.0f} / {p95_ms:.0f}".format(**times) if times else "-"


def growth(rows):
    """Return the second table: a line for each number of workers, and in it every scenario."""
    lines = {}
    for row in rows:
        line = lines.setdefault(row["workers"], {"Workers": row["workers"]})
        counts = row["counts"]
        line[row["scenario"].capitalize()] = f"{counts['graded']} / {counts['logins']} / {counts['evictions']}"
    return [lines[workers] for workers in sorted(lines)]


def find_failures(rows):
    """Return what is not as it has to be, a sentence for each."""
    failures = []
    graded = {(row["scenario"], row["workers"]): row["counts"]["graded"] for row in rows}
    for row in rows:
        workers, counts = row["workers"], row["counts"]
        if row["scenario"] == "exempt" and (counts["logins"] != workers or counts["evictions"]):
            failures.append(f"{workers} exempt workers: {counts['logins']} logins, {counts['evictions']} evictions")
    bound = graded["protection off", WORKERS]
    if abs(graded["exempt", WORKERS] - bound) > TOLERANCE * bound:
        failures.append(f"Graded with the exemption: {graded['exempt', WORKERS]}; without the protection: {bound}")
    return failures


def publish(rows, servers):
    """Write the rows, the figure and the tables; print the tables."""
    from measure.storm_figure import draw

    main = [row for row in rows if row["workers"] == WORKERS]
    machine = f"{describe_machine(servers)} {PROCESSES} gunicorn processes, {main[0]['seconds']} s for each run."
    write_json("storm", {"machine": machine, "rows": rows})
    draw(main)
    tables = [table([summary(row) for row in main]), table(growth(rows))]
    print(f"\n{machine}\n\n" + "\n\n".join(tables))
    insert(PERFORMANCE, "storm", f"{paragraph(machine)}\n\n{tables[0]}")
    insert(PERFORMANCE, "storm by workers", tables[1])
    insert(README, "storm", paragraph(headline(main)))


def headline(main):
    """Return the result in one sentence."""
    counts = {row["scenario"]: row["counts"] for row in main}
    storm, exempt, off = (counts[scenario] for scenario in SCENARIOS)
    return (
        f"Twenty graders as one account, {main[0]['seconds']} s: {storm['logins']} logins, "
        f"{storm['evictions']} evictions and {storm['graded']} submissions graded without the exemption; "
        f"{exempt['logins']}, {exempt['evictions']} and {exempt['graded']} with it; "
        f"{off['logins']}, {off['evictions']} and {off['graded']} with the protection off."
    )


def main():
    """Run the storm as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="of each run")
    parser.add_argument("--workers", type=int, nargs="*", default=[5, 50, 100], help=f"more numbers than {WORKERS}")
    options = parser.parse_args()
    with measured_lms() as (lms, servers):
        rows = [
            run(lms, scenario, workers, options.seconds)
            for workers in (WORKERS, *options.workers)
            for scenario in SCENARIOS
        ]
        publish(rows, servers)
    failures = find_failures(rows)
    print("\n".join(failures))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
