"""Measure the storm, the race, the load, the cost or many names: on the LMS of this repository, or on your site."""

import argparse
import getpass
import os
import sys
import tempfile
from pathlib import Path

import gevent

# Import it first: it patches sockets for gevent.
import locust  # noqa: F401
import requests

from measure import cost, load, names, race, statements, storm
from measure.figures import add_rows, describe_machine, insert, paragraph, table
from testing.production_lms import REPO_ROOT, describe_servers, find_obstacle, production_lms
from testing.visitor import PASSWORD

COMMANDS = {"storm": storm, "race": race, "load": load, "cost": cost, "statements": statements, "names": names}
EPILOG = """
On your site use accounts made for this alone. Their password is taken from the environment variable
MEASURE_PASSWORD, or asked for. Raise LOGISTRATION_RATELIMIT_RATE and LOGISTRATION_PER_EMAIL_RATELIMIT_RATE there for
the time being. To compare, measure once with --label before --json FILE and once with --label after --json FILE, the
same: the table then has both.
"""


def parse(arguments):
    """Return the options of the command line ``arguments``."""
    parser = argparse.ArgumentParser("python -m measure", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        measures_sites = hasattr(module, "on_site")
        texts = {"help": module.__doc__.strip().splitlines()[0], "description": module.__doc__}
        texts |= {"epilog": EPILOG} if measures_sites else {}
        command = commands.add_parser(name, **texts, formatter_class=argparse.RawDescriptionHelpFormatter)
        command.set_defaults(url=None, label="-")
        if measures_sites:
            command.add_argument("--url", type=lambda url: url.rstrip("/"), help="of your site")
            command.add_argument("--account", nargs="+", default=module.ACCOUNTS, help="username or e-mail address")
            command.add_argument("--password", help="of every account; others on the machine can see it here")
            command.add_argument("--label", default="-", help="what the table calls the site")
        command.add_argument(
            "--json", type=Path, metavar="FILE", help="append the rows to FILE; the table has all of it"
        )
        command.add_argument("--docs", action="store_true", help="put the table into the documents as well")
        module.add_arguments(command)
    options = parser.parse_args(arguments)
    if options.url and options.docs:
        parser.error("The documents show the LMS of this repository: leave out --url or --docs.")
    return options


def measure(options):
    """Return the rows, and a sentence about the machine."""
    module = COMMANDS[options.command]
    if options.url:
        try:
            requests.head(options.url, timeout=60)
        except requests.RequestException as error:
            sys.exit(f"{options.url} does not answer: is it running, and is that its address? {error}")
        options.password = options.password or os.environ.get("MEASURE_PASSWORD") or getpass.getpass()
        return module.on_site(options.url, options), options.url
    if module is statements:
        return statements.on_standin(), describe_machine()
    obstacle = find_obstacle()
    if obstacle:
        sys.exit(f"{obstacle}. Or give the --url of a site.")
    options.password = PASSWORD
    with tempfile.TemporaryDirectory() as folder, production_lms(folder) as lms:
        return module.on_own(lms, options), f"{describe_machine()}, {describe_servers()}"


def main():
    """Measure what the command line asks for. If a promise is broken, say so and exit 1."""
    # Without this gevent prints a traceback at Ctrl-C.
    gevent.get_hub().NOT_ERROR += (KeyboardInterrupt,)
    options = parse(sys.argv[1:])
    module = COMMANDS[options.command]
    rows, place = measure(options)
    shown = add_rows(options.json, rows) if options.json else rows
    text = table(race.summarise(shown) if module is race else shown)
    print(f"{place}\n\n{text}\n")
    if module is storm:
        print(*map(storm.sentence, rows), sep="\n")
    if options.docs:
        insert(REPO_ROOT / module.DOCUMENT, options.command, f"{paragraph(place + '.')}\n\n{text}")
        if module is storm:
            storm.publish(rows)
    failures = module.find_failures(rows)
    sys.exit("\n".join(["A promise is broken.", *failures]) if failures else None)
