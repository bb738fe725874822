"""The section of a sweep's page that shows the grid: a line, or heat maps and surfaces to choose.

The page sends what every set came to and where it stands; the browser puts it into cells, so that
any two parameters can be shown with the others held at any value.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from quant_assets.backtests.sweeps.shaping import labels, pairs
from quant_assets.backtests.sweeps.sweep import Sweep
from quant_assets.pages.shell import Section, chart, choice, side_by_side

# Of the peak and of the highest plateau score, in the maps.
_PEAK, _PLATEAU = "✕", "○"
# One parameter: the metric and, where it is the one that sets are judged by, the plateau score.
_CURVE = """
QA.chosen("metric", (k) => {
  const series = [{ name: data.names[k], values: data.metrics[k] }];
  if (!k) series.push({ name: "plateau score", values: data.plateau });
  const { name, labels } = data.axes[0];
  QA.lines("curve", labels, series, { x: name, tight: true, width: 1130 });
});
"""
# Several: a cell is the mean of the sets that are in it, of all of them or with other parameters
# held at a value.
_HEAT = """
let shown = 0, pair = 0;
const held = data.axes.map(() => 0);
const inside = (at, r, c) =>
  at.every((place, a) => a === r || a === c || !held[a] || place === held[a] - 1);
function cells(values) {
  const [r, c] = data.pairs[pair];
  const sums = data.axes[r].labels.map(() => data.axes[c].labels.map(() => [0, 0]));
  data.places.forEach((at, set) => {
    if (!inside(at, r, c) || !QA.known(values[set])) return;
    sums[at[r]][at[c]][0] += values[set];
    sums[at[r]][at[c]][1] += 1;
  });
  return sums.map((row) => row.map(([sum, count]) => (count ? sum / count : null)));
}
function draw() {
  const [r, c] = data.pairs[pair], row = data.axes[r], column = data.axes[c];
  data.axes.forEach((_, a) => {
    const list = document.getElementById("held" + a);
    if (list) list.disabled = a === r || a === c;
  });
  const marks = data.marks.filter(([set]) => inside(data.places[set], r, c))
    .map(([set, sign]) => [data.places[set][r], data.places[set][c], sign]);
  const one = { x: column.name, y: row.name, height: 420 };
  const all = [["heat", "surface", data.names[shown], cells(data.metrics[shown])],
    ["plateau", "ground", "Plateau score of the " + data.names[0], cells(data.plateau)]];
  for (const [flat, high, title, values] of all) {
    QA.heat(flat, row.labels, column.labels, values, { ...one, title, marks });
    QA.surface(high, row.labels, column.labels, values, { ...one, title });
  }
}
QA.chosen("metric", (k) => { shown = k; draw(); });
if (data.pairs.length > 1) {
  QA.chosen("pair", (k) => { pair = k; draw(); });
  data.axes.forEach((_, a) => QA.chosen("held" + a, (k) => { held[a] = k; draw(); }));
}
"""


def grid_data(sweep: Sweep, names: Sequence[str]) -> Mapping[str, Any]:
    """What the section's script reads; `names` are the metrics to choose from."""
    space = sweep.space
    return {
        "axes": [{"name": axis.name, "labels": labels(axis)} for axis in space.axes],
        "places": space.places,
        "metrics": [sweep.metrics[name] for name in names],
        "plateau": sweep.judged.scores,
        "pairs": pairs(space),
        "marks": [(k, sign) for k, sign in _signs(sweep) if k is not None],
    }


def grid_section(sweep: Sweep, names: Sequence[str]) -> Section:
    """The metric over the parameters: a line of one, maps and surfaces of two at a time.

    Args:
        sweep: the sweep.
        names: titles of the metrics, that which sets are judged by first.
    """
    axes = sweep.space.axes
    score = (
        "A plateau score is the lower quartile of the metric over a set and its neighbours, at "
        "most its own: a peak whose neighbours are poor has a low one. A neighbour that is "
        "missing, at an edge or beside a set that breaks a constraint, counts like the poorest."
    )
    chooser = choice("metric", names, "Metric")
    if len(axes) == 1:
        drawn = chart("curve", "The chosen metric and the plateau score over the parameter")
        return Section("The grid", score, chooser + drawn, _CURVE)
    others = ""
    if len(axes) > 2:
        others = "; a cell is the mean over the others unless they are held at a value"
        named = [
            f"{axes[row].name} x {axes[k].name}" for row, k in pairs(sweep.space) if row is not None
        ]
        chooser += choice("pair", named, "Parameters") + "".join(
            choice(f"held{k}", ["mean over all", *labels(axis)], axis.name)
            for k, axis in enumerate(axes)
        )
    return Section(
        "The grid",
        f"A metric over two parameters{others}; grey is no set, {_PEAK} the peak and {_PLATEAU} "
        f"the highest plateau score of all sets. {score} Drag a surface to turn it.",
        chooser
        + side_by_side(
            chart("heat", "Heat map of the chosen metric over two parameters"),
            chart("plateau", "Heat map of the plateau score over two parameters"),
        )
        + side_by_side(
            chart("surface", "The chosen metric as a surface over two parameters"),
            chart("ground", "The plateau score as a surface over two parameters"),
        ),
        _HEAT,
    )


def _signs(sweep: Sweep) -> list[tuple[int | None, str]]:
    if sweep.peak == sweep.plateau:
        return [(sweep.peak, _PEAK + _PLATEAU)]
    return [(sweep.peak, _PEAK), (sweep.plateau, _PLATEAU)]
