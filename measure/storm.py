"""
The login storm: graders sign in as one account and use the protocol of xqueue-watcher.

With --url, each grader must sign in once and never be refused. The site must serve /xqueue/, and --account must be in
the group xqueue. Use a --queue for this test alone: the graders grade everything in it, with full marks. The storm ends
when the queue is empty.

Without --url it runs on MariaDB and Redis, without the exemption, with it, and with the protection off. With the
exemption the graders must grade as much as with the protection off, within 5 %.
"""

from measure.figures import FIGURES, insert
from measure.populate import populate
from testing.production_lms import REPO_ROOT

ACCOUNTS = ["xqwatcher"]
QUEUE = "test-queue"
DOCUMENT = "docs/performance.rst"
TOLERANCE = 0.05
STORM, EXEMPT, OFF = "no exemption", "exempt", "protection off"
SCENARIOS = {STORM: {}, EXEMPT: {"SINGLE_LOGIN_EXEMPT_GROUPS": ["xqueue"]}, OFF: {"PREVENT_CONCURRENT_LOGINS": False}}
# Django's default, because hashing is most of the cost of a login.
HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
FAULTS = ("failed logins", "refused requests", "lost results", "errors")


def add_arguments(parser):
    """Add the storm's own options."""
    parser.add_argument("--queue", default=QUEUE, help="where the graders look for work")
    parser.add_argument("--seconds", type=int, default=30, help="how long, once everybody has signed in")
    parser.add_argument("--graders", type=int, nargs="+", default=[20], metavar="N", help="how many; several in turn")
    parser.add_argument("--pause", type=float, default=1, help="seconds that grading takes, and an empty queue is left")


def on_site(url, options):
    """Return a row for each number of graders at ``url``."""
    return [_storm(url, options, number, options.label) for number in options.graders]


def on_own(lms, options):
    """Return a row for each number of graders and each scenario."""
    rows = []
    for number in options.graders:
        for scenario, settings in SCENARIOS.items():
            lms.configure(PASSWORD_HASHERS=HASHERS, **settings)
            # More than they can grade.
            waiting = number * (options.seconds + 1)
            populate(lms, {options.account[0]: ["xqueue"]}, queue=options.queue, submissions=waiting)
            with lms.serve(workers=4) as url:
                rows.append(_storm(url, options, number, scenario))
    return rows


def _storm(url, options, number, scenario):
    from measure.users import Visitors

    visitors = Visitors(url, options, graders=number)
    visitors.visit(f"{number} graders, {scenario}")
    if not visitors.counts["logins"]:
        answers = dict(visitors.statuses)
        raise SystemExit(f"Nobody can sign in at {url}/xqueue/login/ as {options.account[0]}: {answers}")
    if not any(visitors.counts[name] for name in ("graded", *FAULTS)):
        raise SystemExit(f"Nothing was graded: the queue {options.queue} at {url} is empty. Submit some work first.")
    row = {"scenario": scenario, "graders": number, "seconds": len(visitors.samples) - 1}
    row |= {name: visitors.counts[name] for name in ("logins", "graded", *FAULTS)}
    if number == options.graders[0]:
        row["over time"] = {name: [sample[name] for sample in visitors.samples] for name in ("graded", "logins")}
    return row


def find_failures(rows):
    """Return a sentence for each broken promise."""
    promised = [row for row in rows if row["scenario"] not in (STORM, OFF)]
    failures = [
        sentence(row) for row in promised if row["logins"] != row["graders"] or any(row[name] for name in FAULTS)
    ]
    # With more graders than the machine can serve, the number of graded submissions varies much.
    graded = {row["scenario"]: row["graded"] for row in rows if "over time" in row}
    if OFF in graded and abs(graded[EXEMPT] - graded[OFF]) > TOLERANCE * graded[OFF]:
        failures.append(f"Graded with the exemption: {graded[EXEMPT]}; with the protection off: {graded[OFF]}.")
    return failures


def sentence(row):
    """Return ``row`` in one sentence."""
    faults = ", ".join(count(row, name) for name in FAULTS if row[name]) or "no refused request"
    told = ", ".join(count(row, name) for name in ("graders", "logins", "graded"))
    return f"{row['scenario']}: {told} in {row['seconds']} s, {faults}."


def count(row, name):
    """Return the number ``name`` of ``row`` with its noun: "1 login", "2 logins"."""
    return f"{row[name]} {name.removesuffix('s') if row[name] == 1 else name}"


def publish(rows):
    """Write the sentences and the figure into the documents."""
    main = [row for row in rows if "over time" in row]
    insert(REPO_ROOT / "README.rst", "storm", "\n".join(f"* {sentence(row)}" for row in main))
    draw(main, FIGURES / "storm.png")


def draw(rows, path):
    """Draw graded submissions and logins over time, in a panel for each row. Lines also differ without colour."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(rows), sharex=True, sharey=True, squeeze=False)[0]
    for panel, row in zip(panels, rows, strict=True):
        # The lower of the two is labelled below its line.
        kinds = sorted(row["over time"].items(), key=lambda kind: kind[1][-1])
        for (kind, counts), (offset, alignment) in zip(kinds, ((-5, "top"), (5, "bottom")), strict=True):
            panel.plot(counts, "-" if kind == "graded" else "--", color="black", linewidth=1.6)
            place = {"xytext": (-2, offset), "textcoords": "offset points", "ha": "right", "va": alignment}
            panel.annotate(f"{counts[-1]:,} {kind}", (len(counts) - 1, counts[-1]), **place)
        panel.set(title=row["scenario"].capitalize(), xlabel="seconds")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="0.85", linewidth=0.6)
    panels[0].set_ylabel("submissions graded, logins")
    panels[0].margins(y=0.12)
    figure.savefig(path, dpi=150, metadata={"Software": None})
