"""The storm's figure: graded submissions and logins over time, a panel for each scenario, all on one scale."""

from matplotlib.figure import Figure

from measure.figures import FIGURES

TITLES = {
    "no exemption": "Protection on, no exemption",
    "exempt": "Protection on, exempt",
    "protection off": "Protection off",
}


def draw(rows):
    """Draw the samples of ``rows``, one panel for each; read in black and white, the line styles tell them apart."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(rows), sharex=True, sharey=True)
    for panel, row in zip(panels, rows, strict=True):
        seconds = [sample["second"] for sample in row["samples"]]
        # The lower of the two is labelled below its line.
        kinds = sorted([("graded", "-"), ("logins", "--")], key=lambda kind: row["samples"][-1][kind[0]])
        for (kind, style), (offset, alignment) in zip(kinds, ((-5, "top"), (5, "bottom")), strict=True):
            counts = [sample[kind] for sample in row["samples"]]
            panel.plot(seconds, counts, style, color="black", linewidth=1.6)
            panel.annotate(
                f"{counts[-1]:,} {kind}",
                (seconds[-1], counts[-1]),
                textcoords="offset points",
                xytext=(-2, offset),
                ha="right",
                va=alignment,
            )
        panel.set_title(TITLES[row["scenario"]], fontsize=11)
        panel.set_xlabel("seconds")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="0.85", linewidth=0.6)
    panels[0].set_ylabel("submissions graded, logins")
    panels[0].margins(y=0.12)
    figure.savefig(FIGURES / "storm.png", dpi=150, metadata={"Software": None})
