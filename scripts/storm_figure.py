"""The storm's figure: graded submissions and logins over time, a panel for each scenario, all on one scale."""

from figures import FIGURES
from matplotlib.figure import Figure


def draw(rows):
    """Draw the samples of ``rows``, one panel for each; read in black and white, the line styles tell them apart."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(rows), sharex=True, sharey=True)
    for panel, row in zip(panels, rows, strict=True):
        seconds = [sample["second"] for sample in row["samples"]]
        for kind, style in (("graded", "-"), ("logins", "--")):
            counts = [sample[kind] for sample in row["samples"]]
            panel.plot(seconds, counts, style, color="black", linewidth=1.6)
            panel.annotate(
                f"{counts[-1]} {kind}",
                (seconds[-1], counts[-1]),
                textcoords="offset points",
                xytext=(-2, 5),
                ha="right",
                va="bottom",
            )
        panel.set_title(row["scenario"].capitalize(), fontsize=11)
        panel.set_xlabel("seconds")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="0.85", linewidth=0.6)
    panels[0].set_ylabel("so far")
    panels[0].margins(y=0.12)
    figure.savefig(FIGURES / "storm.png", dpi=150, metadata={"Software": None})
