"""
Load: graders of one exempt account and learners at once. No session may end that should stay.

The graders sign in once and poll an empty queue without a pause. Each learner signs in with one browser and then with
another, which must end the first session, signs out, and repeats this. At the end each learner has exactly one
session. Each answer must be 200, or 302 for somebody who is signed out.

With --url, --account must be exempt and in the group xqueue, and --queue must be empty. The learners' accounts must
exist: --learner "load-{}@example.com" means load-0@example.com and so on.
"""

from measure.populate import populate

ACCOUNTS = ["load-grader"]
DOCUMENT = "docs/reliability.rst"
COUNTS = ("logins", "learners' logins", "learners' logouts")
FAULTS = ("failed logins", "refused requests", "let down", "errors", "other answers")


def add_arguments(parser):
    """Add the load's own options."""
    parser.add_argument("--queue", default="load-queue", help="an empty one")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--graders", type=int, default=100)
    parser.add_argument("--learners", type=int, default=100)
    parser.add_argument("--learner", default="load-{}", help="the learners' accounts, {} for the number")
    parser.set_defaults(pause=0)


def on_site(url, options):
    """Return a row for the site at ``url``."""
    from measure.users import Visitors

    visitors = Visitors(url, options, options.graders, options.learners)
    visitors.visit("load")
    answers = sum(visitors.statuses.values())
    visitors.counts["other answers"] = answers - visitors.statuses[200] - visitors.statuses[302]
    row = {"site": options.label, "graders": options.graders, "learners": options.learners, "seconds": options.seconds}
    return [row | {"answers": answers} | {name: visitors.counts[name] for name in (*COUNTS, *FAULTS)}]


def on_own(lms, options):
    """Return a row for an LMS that is started here."""
    lms.configure(SINGLE_LOGIN_EXEMPT_USERNAMES=options.account)
    learners = {options.learner.format(number): [] for number in range(options.learners)}
    populate(lms, {**learners, options.account[0]: ["xqueue"]})
    with lms.serve(workers=4, threads=4) as url:
        return on_site(url, options)


def find_failures(rows):
    """Return a sentence for each broken promise."""
    faults = [f"{row[name]} {name}" for row in rows for name in FAULTS if row[name]]
    return faults + [
        f"{row['logins']} logins of {row['graders']} graders" for row in rows if row["logins"] != row["graders"]
    ]
