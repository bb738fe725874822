// Strategies side by side: curves that can be switched on and off, over all their days or those that
// all have, and a scatter of risk and return. Loaded after timeline.js.
"use strict";
(() => {
  const { node, known, ticks, tell, fallen } = QA;
  const element = (id) => document.getElementById(id);

  // The curve from the close before the first common day on, null outside of the common days.
  function within(values, [first, last]) {
    const base = first > 0 && known(values[first - 1]) ? values[first - 1] : 1;
    return values.map((v, k) => (k < first - 1 || k > last || !known(v) ? null : v / base));
  }

  // Spots with names: {spots: [{name, kind, x, y, portfolio, hidden}], x, y}, axes in percent.
  function scatter(place, spec) {
    const chart = element(place), left = 62, right = 16, top = 10, bottom = 40;
    let svg = null, width = 0;
    function draw() {
      if (!width) return;
      const height = Math.min(420, Math.max(280, width * 0.55));
      if (svg) svg.remove();
      svg = node("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, chart);
      const spots = spec.spots.filter((s) => !s.hidden && known(s.x) && known(s.y));
      if (!spots.length) { node("text", { x: left, y: 30 }, svg, "Nothing to show."); return; }
      const bounds = (of) => {
        const all = spots.map(of), low = Math.min(...all), high = Math.max(...all), pad = (high - low || 0.02) * 0.12;
        return [low >= 0 ? Math.max(low - pad, 0) : low - pad, high + pad];
      };
      const [x0, x1] = bounds((s) => s.x), [y0, y1] = bounds((s) => s.y);
      const x = (v) => left + ((width - left - right) * (v - x0)) / (x1 - x0);
      const y = (v) => top + (height - top - bottom) * (1 - (v - y0) / (y1 - y0));
      const percent = (v) => `${Number((100 * v).toFixed(2))} %`.replace("-", "−");
      for (const v of ticks(y0, y1, 6)) {
        node("line", { class: Math.abs(v) < 1e-9 ? "level" : "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }, svg);
        node("text", { x: left - 7, y: y(v) + 4, "text-anchor": "end" }, svg, percent(v));
      }
      for (const v of ticks(x0, x1, Math.max(3, Math.floor(width / 90)))) {
        node("line", { class: "grid", x1: x(v), x2: x(v), y1: top, y2: height - bottom }, svg);
        node("text", { x: x(v), y: height - bottom + 16, "text-anchor": "middle" }, svg, percent(v));
      }
      node("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, svg, spec.x);
      const middle = (top + height - bottom) / 2;
      node("text", { transform: `translate(10 ${middle}) rotate(-90)`, "text-anchor": "middle" }, svg, spec.y);
      const taken = spots.map((s) => [x(s.x) - 6, y(s.y) - 6, x(s.x) + 6, y(s.y) + 6]);
      for (const s of spots) {
        const spot = node("circle", { class: `spot k-${s.kind}${s.portfolio ? " portfolio" : ""}`, cx: x(s.x), cy: y(s.y), r: 6 }, svg);
        tell(spot, `${s.name}\n${spec.x}: ${percent(s.x)}\n${spec.y}: ${percent(s.y)}`);
      }
      // A name is written where it covers nothing; what has no room is told by its spot.
      for (const s of spots) {
        const wide = s.name.length * 6.3, at = [[9, 4, "start"], [-9, 4, "end"], [0, -10, "middle"], [0, 19, "middle"]].find(([dx, dy, anchor]) => {
          const from = x(s.x) + dx - (anchor === "end" ? wide : anchor === "middle" ? wide / 2 : 0), to = from + wide, base = y(s.y) + dy;
          const box = [from, base - 10, to, base + 3];
          if (from < left || to > width || base > height - bottom) return false;
          if (taken.some((t) => t[0] < box[2] && t[2] > box[0] && t[1] < box[3] && t[3] > box[1])) return false;
          taken.push(box);
          return true;
        });
        if (at) node("text", { class: "label", x: x(s.x) + at[0], y: y(s.y) + at[1], "text-anchor": at[2] }, svg, s.name);
      }
    }
    QA.fitted(chart, (now) => { width = now; draw(); });
    return { draw };
  }

  QA.comparison = (data) => {
    const dates = QA.days(data.series.dates);
    const all = data.subjects.map((s) => QA.series(data.series[s.of]));
    const curve = (s, k, values) => ({ name: s.title, kind: s.kind, values, hidden: !s.on });
    const grown = data.subjects.map((s, k) => curve(s, k, all[k].slice()));
    const below = data.subjects.map((s, k) => curve(s, k, fallen(all[k])));
    const log = element("log"), common = element("common");
    const chart = QA.timeline("growth", { dates, panels: [
      { series: grown, format: "growth", height: 340, rebase: true, log: log.checked, level: 1 },
      { title: "Drawdown", series: below, format: "percent", height: 150, zero: 0 },
    ] });
    QA.ranges("ranges", [{ name: "1 Y", sessions: 252 }, { name: "3 Y", sessions: 756 }, { name: "5 Y", sessions: 1260 }, { name: "All" }]);
    const spots = element("risk") ? data.subjects.map((s) => ({ name: s.title, kind: s.kind, portfolio: s.portfolio, hidden: !s.on, ...s.own })) : [];
    const map = spots.length ? scatter("risk", { spots, x: "Volatility a year", y: "Return a year" }) : null;
    const keys = [...element("growth").querySelector(".panel").querySelectorAll(".key")];

    function show() {
      data.subjects.forEach((s, k) => {
        grown[k].hidden = below[k].hidden = !s.on;
        keys[k].setAttribute("aria-checked", String(s.on));
        if (map) spots[k].hidden = !s.on;
      });
      chart.set({});
      if (map) map.draw();
    }
    keys.forEach((key, k) => {
      const turn = () => { data.subjects[k].on = !data.subjects[k].on; show(); };
      for (const [name, value] of [["role", "switch"], ["tabindex", "0"], ["title", "click to switch on or off"]]) key.setAttribute(name, value);
      key.addEventListener("click", turn);
      key.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); turn(); } });
    });
    function period() {
      const only = Boolean(common && common.checked);
      data.subjects.forEach((s, k) => {
        const values = only ? within(all[k], data.common) : all[k];
        const losses = fallen(values);
        for (let t = 0; t < values.length; t++) { grown[k].values[t] = values[t]; below[k].values[t] = losses[t]; }
        if (map) Object.assign(spots[k], only ? s.common : s.own);
      });
      chart.set({});
      QA.look(only ? Math.max(data.common[0] - 1, 0) : 0, only ? data.common[1] : dates.length - 1);
      if (map) map.draw();
      for (const part of document.querySelectorAll("[data-period]")) part.hidden = (part.dataset.period === "common") !== only;
    }
    log.addEventListener("change", () => chart.set({ panels: [{ log: log.checked }] }));
    if (common) common.addEventListener("change", period);
    for (const button of document.querySelectorAll("[data-group]")) {
      button.addEventListener("click", () => {
        const wanted = button.dataset.group;
        for (const s of data.subjects) s.on = wanted === "all" || s.group === wanted || (s.group === "benchmark" && wanted !== "none");
        show();
      });
    }
    show();
    period();
  };
})();
