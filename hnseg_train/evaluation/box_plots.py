"""Box plots: one metric, per organ the spread over cases, for one or several models side by side."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from hnseg_train.evaluation.metrics import Metric, OrganScore

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""One per model, in order; they differ for colour-blind eyes too."""

ROW_INCHES = 0.26
"""Height of one box; an organ takes as many as there are models."""

CAPTION = "box: quartiles and median; whiskers: at most 1.5 box lengths; dots: cases"


def box_plot(metric: Metric, models: Mapping[str, Iterable[Sequence[OrganScore]]]) -> bytes:
    """The figure as PNG; equal scores give equal bytes.

    models: the cases' scores by model name; the name of a single model is not shown. Organs come in
    the order of their label values; a case without a value gives no dot.
    """
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    series = {name: _values(metric, cases) for name, cases in models.items()}
    names = {value: organ for by_organ in series.values() for value, (organ, _) in by_organ.items()}
    order = sorted(names)
    # a user's own matplotlibrc must not change the picture
    with matplotlib.style.context("default", after_reset=True):
        figure = Figure(figsize=(8.0, 1.4 + ROW_INCHES * max(1, len(order) * len(series))), layout="tight")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        step = 0.8 / max(1, len(series))
        for number, (model, by_organ) in enumerate(series.items()):
            rows = [(order.index(value), values) for value, (_, values) in by_organ.items() if values]
            offset = (number - (len(series) - 1) / 2) * step
            _draw(axes, rows, offset, 0.75 * step, COLORS[number % len(COLORS)], model)
        axes.set_yticks(range(len(order)), [names[value].replace("_", " ") for value in order])
        axes.set_ylim(max(1, len(order)) - 0.5, -0.5)
        axes.set_xlabel(f"{metric.title}\n{CAPTION}")
        axes.grid(axis="x", alpha=0.3)
        if len(series) > 1:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(series), frameon=False)
        png = BytesIO()
        # the entry names a version and an address that have no place in the picture
        figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def _values(metric: Metric, cases: Iterable[Sequence[OrganScore]]) -> dict[int, tuple[str, list[float]]]:
    """By label value the organ's name and the cases' values."""
    found: dict[int, tuple[str, list[float]]] = {}
    for score in (score for case in cases for score in case):
        _, values = found.setdefault(score.id, (score.name, []))
        value = metric.of(score)
        if value is not None:
            values.append(value)
    return found


def _draw(
    axes: "Axes",
    rows: Sequence[tuple[int, list[float]]],
    offset: float,
    width: float,
    color: str,
    label: str,
) -> None:
    if rows:
        axes.boxplot(
            [values for _, values in rows],
            positions=[row + offset for row, _ in rows],
            widths=width,
            orientation="horizontal",
            showfliers=False,
            manage_ticks=False,
            boxprops={"color": color},
            whiskerprops={"color": color},
            capprops={"color": color},
            medianprops={"color": color, "linewidth": 2},
        )
    dots = [(value, row + offset) for row, values in rows for value in values]
    axes.scatter(
        [x for x, _ in dots], [y for _, y in dots], s=16, color=color, alpha=0.5, linewidths=0, label=label
    )
