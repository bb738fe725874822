// Draws what a tear sheet's data describe: timelines and columns by name, and the charts of crises.
// Controls that a sheet does not have are left alone.
"use strict";
QA.sheet = (data) => {
  const cache = {}, byPlace = {};
  // What follows from other series is not sent.
  const made = {
    drawdown: () => QA.fallen(series("growth")),
    benchmark_drawdown: () => QA.fallen(series("benchmark_growth")),
    cost_drag: () => series("growth").map((v, k) => { const gross = series("gross_growth")[k]; return gross > 0 ? v / gross - 1 : null; }),
    net: () => series("long").map((v, k) => (QA.known(v) ? v + series("short")[k] : null)),
  };
  const series = (name) => (cache[name] = cache[name] || (made[name] ? made[name]() : QA.series(data.series[name])));
  const dates = data.series.dates ? QA.days(data.series.dates) : [];
  const element = (id) => document.getElementById(id);

  function crises(chart) {
    const own = series("growth"), other = data.series.benchmark_growth ? series("benchmark_growth") : null;
    for (const period of chart.periods) {
      const cell = QA.node("div", { class: "cell" }, element(chart.place));
      QA.node("b", {}, cell, period.name);
      QA.node("output", {}, cell, QA.formatted("percent", period.own));
      const from = Math.max(period.from - 1, 0), wide = 150, high = 46;
      const lines = [other, own].filter(Boolean).map((values) => values.slice(from, period.to + 1).map((v) => v / (values[from] || 1)));
      const all = lines.flat(), low = Math.min(...all), top = Math.max(...all);
      const svg = QA.node("svg", { viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none" }, cell);
      lines.forEach((line, k) => {
        const path = line.map((v, i) => `${i ? "L" : "M"}${((wide * i) / Math.max(line.length - 1, 1)).toFixed(1)} ${(2 + (high - 4) * (1 - (v - low) / (top - low || 1))).toFixed(1)}`).join("");
        QA.node("path", { class: `line k-${k === lines.length - 1 ? "own" : "other"}`, d: path, "vector-effect": "non-scaling-stroke" }, svg);
      });
    }
  }

  let shades = {};
  for (const chart of data.charts) {
    if (chart.kind === "crises") crises(chart);
    else if (chart.kind === "shades") shades = chart.of;
    else if (chart.kind === "columns") QA.columns(chart.place, chart);
    else {
      for (const panel of chart.panels) for (const one of panel.series) one.values = series(one.of);
      byPlace[chart.place] = QA.timeline(chart.place, { ...chart, dates });
    }
  }

  const main = byPlace.growth;
  if (!main) return;
  QA.ranges("ranges", [{ name: "6 M", sessions: 126 }, { name: "1 Y", sessions: 252 }, { name: "3 Y", sessions: 756 }, { name: "5 Y", sessions: 1260 }, { name: "All" }]);
  const log = element("log"), gross = element("with-gross"), shade = element("shades");
  if (log) log.addEventListener("change", () => main.set({ panels: [{ log: log.checked }] }));
  if (gross) {
    const show = () => main.show("Before costs", gross.checked);
    gross.addEventListener("change", show);
    show();
  }
  if (shade) {
    const paint = () => main.set({ spec: { shades: (shades[shade.value] || []).map(([from, to]) => ({ from, to, kind: shade.value })) } });
    shade.addEventListener("change", paint);
    paint();
  }

  const find = element("find"), table = element("metrics-table");
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase();
    for (const row of table.tBodies[0].rows) row.hidden = row.className === "group" ? Boolean(words) : !row.textContent.toLowerCase().includes(words);
  });
};
