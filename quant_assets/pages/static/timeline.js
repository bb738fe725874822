// Charts of our pages that a reader explores: timelines of days with zoom and hover, columns, and
// the data behind each as a table and as CSV. Loaded after charts.js by the pages that need it.
//
// QA.timeline(place, {dates, panels: [{title, height, format, log, rebase, series: [{name, values,
// kind, area}]}], shades}) draws panels above one another. All timelines of a page share the window
// of days that is looked at and the day that is pointed to. Colours are those of the style sheet's
// classes `k-<kind>`. values come from QA.series, what pages/series.py made of them.
"use strict";
(() => {
  const { node, known, ticks, tell } = QA;
  const LEFT = 54, RIGHT = 12;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  function series(packed) {
    const bytes = atob(packed.codes), low = Number(packed.low), step = Number(packed.step);
    const width = Number(packed.width || 3), missing = 256 ** width - 1;
    return Array.from({ length: bytes.length / width }, (_, k) => {
      let code = 0;
      for (let b = 0; b < width; b++) code = code * 256 + bytes.charCodeAt(width * k + b);
      if (code === missing) return null;
      return packed.log ? Math.exp(low + step * code) : low + step * code;
    });
  }

  // Days from the gaps between them; the last two values only set the scale.
  function days(packed) {
    let day = Date.parse(packed.first);
    const text = () => new Date(day).toISOString().slice(0, 10), found = [text()];
    for (const gap of series(packed).slice(0, -2)) { day += Math.round(gap) * 864e5; found.push(text()); }
    return found;
  }

  // The loss since the highest value so far; the start, 1, counts as one.
  function fallen(values) {
    let peak = 1;
    return values.map((v) => { if (!known(v)) return null; peak = Math.max(peak, v); return v / peak - 1; });
  }

  const FORMATS = {
    percent: (x) => `${(100 * x).toFixed(Math.abs(x) < 0.1 ? 2 : 1)}\u00a0%`,
    growth: (x) => (Math.abs(x) >= 1e6 || (x !== 0 && Math.abs(x) < 0.01) ? x.toExponential(2) : Math.abs(x) >= 1e4 ? Math.round(x).toLocaleString("en-US") : x.toFixed(x < 10 ? 3 : 2)),
    number: (x) => (Math.abs(x) >= 1000 ? Math.round(x).toLocaleString("en-US") : String(Number(x.toPrecision(4)))),
    count: (x) => Math.round(x).toLocaleString("en-US"),
  };
  const formatted = (format, x) => (known(x) ? (FORMATS[format] || FORMATS.number)(x).replace("-", "−") : "–");
  const tickText = (format, x, step) => tickNumber(format, x, step).replace("-", "−");
  function tickNumber(format, x, step) {
    if (format === "percent") return `${Number((100 * x).toFixed(Math.max(0, Math.ceil(-Math.log10(100 * step) - 1e-9))))} %`;
    if (Math.abs(x) >= 1e9) return x.toExponential(0);
    if (Math.abs(x) >= 1e6) return `${Number((x / 1e6).toPrecision(4))} M`;
    return Math.abs(x) >= 1e4 ? `${Number((x / 1e3).toPrecision(4))} k` : String(Number(x.toPrecision(6)));
  }

  // Draws now and whenever the element's width changes; text keeps its size on any screen.
  function fitted(element, draw) {
    let width = 0;
    const fit = () => {
      const now = Math.floor(element.clientWidth);
      if (now > 0 && now !== width) draw((width = now));
    };
    new ResizeObserver(fit).observe(element);
    fit();
  }

  // What all timelines of the page share.
  const view = { from: 0, to: 0, at: null, length: 0, dates: [], watchers: [], movers: [] };
  function look(from, to) {
    const least = Math.min(5, view.length - 1);
    from = Math.max(0, Math.round(from));
    to = Math.min(view.length - 1, Math.round(to));
    if (to - from < least) to = Math.min(view.length - 1, from + least);
    if (to - from < least) from = Math.max(0, to - least);
    Object.assign(view, { from, to });
    view.watchers.forEach((watch) => watch());
  }
  function point(at) {
    view.at = at === null ? null : Math.min(Math.max(Math.round(at), view.from), view.to);
    view.movers.forEach((move) => move());
  }

  function dateTicks(dates, from, to, most) {
    const found = [], span = to - from;
    const mark = span > 700 ? (d) => d.slice(0, 4) : span > 45 ? (d) => d.slice(0, 7) : (d) => d;
    for (let k = Math.max(from, 1); k <= to; k++) if (mark(dates[k]) !== mark(dates[k - 1])) found.push(k);
    const steps = span > 700 ? [1, 2, 5, 10] : span > 45 ? [1, 2, 3, 6, 12] : [1, 2, 5, 10];
    const every = steps.find((n) => found.length / n <= most) || Math.ceil(found.length / most);
    const text = (d) => (span > 700 ? d.slice(0, 4) : `${span > 45 ? "" : Number(d.slice(8)) + " "}${MONTHS[Number(d.slice(5, 7)) - 1]}${span > 45 ? " " + d.slice(0, 4) : ""}`);
    const place = (k) => (span > 700 ? Number(dates[k].slice(0, 4)) : span > 45 ? Number(dates[k].slice(5, 7)) - 1 : k);
    return found.filter((k) => place(k) % every === 0).map((k) => [k, text(dates[k])]);
  }

  function timeline(place, spec) {
    const element = document.getElementById(place), { dates } = spec;
    if (!view.length) Object.assign(view, { from: 0, to: dates.length - 1, length: dates.length, dates });
    element.classList.add("timeline");
    element.setAttribute("tabindex", "0");
    const said = node("div", { class: "unseen", "aria-live": "polite" }, element);
    const panels = spec.panels.map((panel, p) => {
      const block = node("div", { class: "panel" }, element);
      const legend = node("div", { class: "legend" }, block);
      if (panel.title) node("b", {}, legend, panel.title);
      const reads = panel.series.map((one) => {
        const item = node("span", { class: `key k-${one.kind}` }, legend);
        node("i", {}, item);
        node("span", {}, item, one.name + " ");
        return { item, value: node("output", {}, item) };
      });
      const day = p === 0 ? node("time", {}, legend) : null;
      return { ...panel, block, reads, day, last: p === spec.panels.length - 1 };
    });

    // By what a line is divided: what it was on the first day in view, so that a part begins at 1.
    function base(panel, one) {
      if (!panel.rebase || view.from === 0) return 1;
      for (let b = view.from; b <= view.to; b++) if (known(one.values[b])) return one.values[b] || 1;
      return 1;
    }

    function drawPanel(panel, width) {
      const height = panel.height + (panel.last ? 22 : 6), bottom = panel.last ? 22 : 6, top = 6;
      if (panel.svg) panel.svg.remove();
      const svg = (panel.svg = node("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, panel.block));
      const { from, to } = view, count = Math.max(to - from, 1);
      const x = (panel.x = (k) => LEFT + ((width - LEFT - RIGHT) * (k - from)) / count);
      panel.index = (px) => from + ((px - LEFT) / (width - LEFT - RIGHT)) * count;
      const shown = panel.series.filter((one) => !one.hidden).map((one) => {
        const drawn = [], by = base(panel, one);
        for (let k = from; k <= to; k++) drawn.push(known(one.values[k]) ? one.values[k] / by : null);
        return { one, drawn };
      });
      let low = Infinity, high = -Infinity;
      for (const { drawn } of shown) for (const v of drawn) if (known(v)) { low = Math.min(low, v); high = Math.max(high, v); }
      if (low > high) { low = 0; high = 1; }
      const log = panel.log && low > 0;
      if (known(panel.zero) && !log) { low = Math.min(low, panel.zero); high = Math.max(high, panel.zero); }
      if (high === low) { high += Math.abs(high) * 0.05 || 0.01; low -= Math.abs(low) * 0.05 || 0.01; }
      const pad = log ? 0 : (high - low) * 0.04;
      if (low !== panel.zero) low -= pad;
      if (high !== panel.zero) high += pad;
      const room = height - top - bottom;
      const y = (v) => top + room * (1 - (log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low)));
      panel.y = y;
      for (const shade of spec.shades || []) {
        const a = Math.max(shade.from, from), b = Math.min(shade.to, to);
        if (a > to || b < from) continue;
        node("rect", { class: `shade s-${shade.kind}`, x: x(a), width: Math.max(x(b) - x(a), 1), y: top, height: room }, svg);
      }
      let marks = ticks(low, high, Math.max(2, Math.floor(room / 24)));
      const step = marks.length > 1 ? marks[1] - marks[0] : high - low;
      if (log) {
        const ones = [];
        const most = Math.max(3, Math.floor(room / 24)), decades = Math.log10(high / low);
        const every = Math.ceil(decades / most), within = decades * 3 <= most ? [1, 2, 5] : [1];
        for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) if (power % every === 0) for (const n of within) if (n * 10 ** power >= low && n * 10 ** power <= high) ones.push(n * 10 ** power);
        if (ones.length > 2) marks = ones;
      }
      for (const v of marks) {
        if (v < low || v > high) continue;
        node("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(v), y2: y(v) }, svg);
        node("text", { x: LEFT - 7, y: y(v) + 4, "text-anchor": "end" }, svg, tickText(panel.format, v, step));
      }
      if (known(panel.level) && panel.level > low && panel.level < high) node("line", { class: "level", x1: LEFT, x2: width - RIGHT, y1: y(panel.level), y2: y(panel.level) }, svg);
      if (panel.last) for (const [k, text] of dateTicks(dates, from, to, Math.max(2, Math.floor((width - LEFT) / 64)))) {
        node("line", { class: "grid", x1: x(k), x2: x(k), y1: height - bottom, y2: height - bottom + 4 }, svg);
        const at = Math.min(x(k), width - RIGHT - 12);
        node("text", { x: at, y: height - 4, "text-anchor": "middle" }, svg, text);
      }
      for (const { one, drawn } of shown) {
        let path = "", pen = "M", first = null, end = null;
        drawn.forEach((v, i) => {
          if (!known(v)) { pen = "M"; return; }
          path += `${pen}${x(from + i).toFixed(1)} ${y(v).toFixed(1)}`;
          if (first === null) first = from + i;
          end = from + i;
          pen = "L";
        });
        if (!path) continue;
        const ground = y(Math.min(Math.max(panel.zero || 0, low), high));
        if (one.area) node("path", { class: `area k-${one.kind}`, d: `${path}L${x(end)} ${ground}L${x(first)} ${ground}Z` }, svg);
        node("path", { class: `line k-${one.kind}`, d: path }, svg);
      }
      panel.cross = node("line", { class: "cross", y1: top, y2: height - bottom, visibility: "hidden" }, svg);
      panel.dots = panel.series.map((one) => node("circle", { class: `dot k-${one.kind}`, r: 3.2, visibility: "hidden" }, svg));
      panel.picked = node("rect", { class: "picked", y: top, height: room, width: 0, visibility: "hidden" }, svg);
      drag(panel, svg);
    }

    function move() {
      const at = view.at, k = at === null ? view.to : at;
      for (const panel of panels) {
        if (!panel.cross) continue;
        panel.cross.setAttribute("visibility", at === null ? "hidden" : "visible");
        if (at !== null) { panel.cross.setAttribute("x1", panel.x(k)); panel.cross.setAttribute("x2", panel.x(k)); }
        panel.series.forEach((one, s) => {
          const v = known(one.values[k]) ? one.values[k] / base(panel, one) : null;
          panel.reads[s].item.hidden = Boolean(one.hidden);
          panel.reads[s].value.textContent = formatted(panel.format, v);
          const on = at !== null && known(v) && !one.hidden;
          panel.dots[s].setAttribute("visibility", on ? "visible" : "hidden");
          if (on) { panel.dots[s].setAttribute("cx", panel.x(k)); panel.dots[s].setAttribute("cy", panel.y(v)); }
        });
        if (panel.day) panel.day.textContent = dates[k];
      }
    }

    function drag(panel, svg) {
      let start = null;
      const near = (event) => panel.index(event.clientX - svg.getBoundingClientRect().left);
      svg.addEventListener("pointermove", (event) => {
        point(near(event));
        if (start === null) return;
        const [a, b] = [panel.x(start), panel.x(view.at)].sort((m, n) => m - n);
        panel.picked.setAttribute("visibility", "visible");
        panel.picked.setAttribute("x", a);
        panel.picked.setAttribute("width", b - a);
      });
      svg.addEventListener("pointerdown", (event) => {
        if (event.pointerType === "touch" || event.button) return; // a finger reads values
        start = Math.min(Math.max(near(event), view.from), view.to);
        svg.setPointerCapture(event.pointerId);
      });
      svg.addEventListener("pointerup", () => {
        const [a, b] = [start, view.at];
        start = null;
        panel.picked.setAttribute("visibility", "hidden");
        if (a !== null && Math.abs(panel.x(b) - panel.x(a)) > 5) look(Math.min(a, b), Math.max(a, b));
      });
      svg.addEventListener("pointerleave", () => { if (start === null) point(null); });
      svg.addEventListener("dblclick", () => look(0, view.length - 1));
    }

    element.addEventListener("keydown", (event) => {
      const at = view.at === null ? view.to : view.at, step = event.shiftKey ? 21 : 1, third = (view.to - view.from) / 3;
      const moves = { ArrowLeft: at - step, ArrowRight: at + step, Home: view.from, End: view.to };
      if (event.key in moves) point(moves[event.key]);
      else if (event.key === "+") look(at - third, at + third);
      else if (event.key === "-") look(view.from - third, view.to + third);
      else if (event.key === "Escape") { look(0, view.length - 1); point(null); }
      else return;
      event.preventDefault();
      said.textContent = `${dates[view.at === null ? view.to : view.at]}: ` + panels.map((panel) => panel.series.map((one, s) => (one.hidden ? "" : `${one.name} ${panel.reads[s].value.textContent}`)).join(", ")).join("; ");
    });
    element.addEventListener("blur", () => point(null));

    let width = 0;
    const draw = () => { if (width) { panels.forEach((panel) => drawPanel(panel, width)); move(); } };
    view.watchers.push(draw);
    view.movers.push(move);
    fitted(element, (now) => { width = now; draw(); });
    const columns = spec.panels.flatMap((panel) => panel.series.map((one) => ({ name: one.title || one.name, values: one.values, format: panel.format })));
    behind(place, [{ name: "date", values: dates }, ...columns]);
    return {
      set(changes) { Object.assign(spec, changes.spec || {}); panels.forEach((panel, p) => Object.assign(panel, (changes.panels || [])[p] || {})); draw(); },
      show(name, on) { panels.forEach((panel) => panel.series.forEach((one) => { if (one.name === name) one.hidden = !on; })); draw(); },
    };
  }

  // Buttons that choose the window of all timelines: {name, sessions}, all of them without sessions.
  function ranges(place, choices) {
    const element = document.getElementById(place);
    const buttons = choices.filter((c) => !c.sessions || c.sessions < view.length).map((choice) => {
      const button = node("button", { type: "button" }, element, choice.name);
      button.addEventListener("click", () => look(choice.sessions ? view.length - 1 - choice.sessions : 0, view.length - 1));
      return { button, from: () => (choice.sessions ? view.length - 1 - choice.sessions : 0) };
    });
    const mark = () => buttons.forEach((one) => one.button.setAttribute("aria-pressed", String(view.from === one.from() && view.to === view.length - 1)));
    view.watchers.push(mark);
    mark();
  }

  // Columns: a group of bars a label. {labels, series: [{name, values, kind}], stacked, format, line}
  function columns(place, spec) {
    const element = document.getElementById(place), { labels, format } = spec;
    const legend = node("div", { class: "legend" }, element);
    for (const one of [...spec.series, ...(spec.lines || [])]) {
      const item = node("span", { class: `key ${spec.series.includes(one) ? "swatch " : ""}k-${one.kind}` }, legend);
      node("i", {}, item);
      node("span", {}, item, one.name);
    }
    if (!spec.series.some((one) => one.values.some((v) => v))) {
      node("p", {}, element, "All values are 0.");
      return;
    }
    let svg = null;
    fitted(element, (width) => {
      const height = spec.height || 220, top = 8, bottom = 24, room = height - top - bottom;
      if (svg) svg.remove();
      svg = node("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, element);
      const up = labels.map((_, k) => (spec.stacked ? spec.series.reduce((a, one) => a + Math.max(one.values[k] || 0, 0), 0) : Math.max(0, ...spec.series.map((one) => one.values[k] || 0))));
      const down = labels.map((_, k) => (spec.stacked ? spec.series.reduce((a, one) => a + Math.min(one.values[k] || 0, 0), 0) : Math.min(0, ...spec.series.map((one) => one.values[k] || 0))));
      const over = (spec.lines || []).flatMap((one) => one.values).filter(known);
      let high = Math.max(...up, ...over, 0), low = Math.min(...down, ...over, 0);
      if (high === low) high = 1;
      const pad = (high - low) * 0.04;
      if (high > 0) high += pad;
      if (low < 0) low -= pad;
      const y = (v) => top + room * (1 - (v - low) / (high - low));
      const slot = (width - LEFT - RIGHT) / labels.length, x = (k) => LEFT + slot * k;
      const marks = ticks(low, high, 5), step = marks.length > 1 ? marks[1] - marks[0] : high - low;
      for (const v of marks) {
        node("line", { class: v === 0 ? "level" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(v), y2: y(v) }, svg);
        node("text", { x: LEFT - 7, y: y(v) + 4, "text-anchor": "end" }, svg, tickText(format, v, step));
      }
      const wide = Math.max(...labels.map((l) => l.length)) * 7 + 14, every = Math.max(1, Math.ceil(wide / slot));
      labels.forEach((label, k) => { if (k % every === 0) node("text", { x: x(k + 0.5), y: height - 7, "text-anchor": "middle" }, svg, label); });
      const bars = spec.stacked ? 1 : spec.series.length, each = Math.min(slot - Math.min(slot * 0.22, 12), 90 * bars) / bars, gap = slot - each * bars;
      labels.forEach((label, k) => {
        let above = 0, below = 0;
        spec.series.forEach((one, s) => {
          const v = one.values[k];
          if (!known(v) || v === 0) return;
          const base = spec.stacked ? (v > 0 ? above : below) : 0;
          if (v > 0) above += v; else below += v;
          const kind = spec.signed && v < 0 ? spec.signed : one.kind;
          const left = x(k) + gap / 2 + (spec.stacked ? 0 : each * s);
          node("rect", { class: `bar k-${kind}`, x: left, width: Math.max(each - (bars > 1 ? 1 : 0), 0.6), y: y(base + Math.max(v, 0)), height: Math.max(y(base + Math.min(v, 0)) - y(base + Math.max(v, 0)), 0.6) }, svg);
        });
        const strip = node("rect", { class: "strip", x: x(k), width: slot, y: top, height: room }, svg);
        tell(strip, `${spec.head ? spec.head(k) : label}\n` + [...spec.series, ...(spec.lines || [])].map((one) => `${one.name}: ${formatted(one.format || format, one.values[k])}`).join("\n"));
      });
      for (const one of spec.lines || []) {
        let path = "";
        one.values.forEach((v, k) => { if (known(v)) path += `${path ? "L" : "M"}${x(k + 0.5).toFixed(1)} ${y(v).toFixed(1)}`; });
        node("path", { class: `line k-${one.kind}`, d: path }, svg);
      }
      for (const mark of spec.marks || []) {
        const at = LEFT + slot * mark.at, side = at - LEFT > 7 * mark.name.length ? -1 : 1;
        node("line", { class: "mark", x1: at, x2: at, y1: top, y2: top + room }, svg);
        node("text", { x: at + 4 * side, y: top + 12, "text-anchor": side < 0 ? "end" : "start" }, svg, mark.name);
      }
    });
    behind(place, [{ name: spec.x || "label", values: spec.names || labels }, ...[...spec.series, ...(spec.lines || [])].map((one) => ({ name: one.name, values: one.values, format: one.format || format }))]);
  }

  const csv = (rows) => rows.map((row) => row.map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")).join("\n") + "\n";
  function saved(name, rows) {
    const link = node("a", { href: URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv" })), download: `${name}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  const plain = (v) => (typeof v === "string" ? v : known(v) ? String(Number(v.toPrecision(7))) : "");

  // The data behind a chart: a table that is made when it is asked for, and a file.
  function behind(place, columns) {
    const element = document.getElementById(`${place}-data`);
    if (!element) return;
    const rows = () => [columns.map((c) => c.name), ...columns[0].values.map((_, k) => columns.map((c) => plain(c.values[k])))];
    const button = node("button", { type: "button" }, element, "CSV");
    button.addEventListener("click", () => saved(place, rows()));
    const details = node("details", {}, element);
    node("summary", {}, details, "Table");
    details.addEventListener("toggle", () => {
      if (!details.open || details.querySelector("table")) return;
      const scroll = node("div", { class: "scroll", tabindex: "0" }, details);
      const table = node("table", {}, scroll);
      const row = (parent, kind, cells) => { const line = node("tr", {}, parent); cells.forEach((cell, c) => node(kind, c ? { class: "n" } : {}, line, cell)); };
      row(node("thead", {}, table), "th", columns.map((c) => c.name));
      const body = node("tbody", {}, table);
      columns[0].values.forEach((first, k) => row(body, "td", columns.map((c) => (c.format ? formatted(c.format, c.values[k]) : plain(c.values[k])))));
    });
  }

  // A button for each table that has a name: what it shows, as CSV.
  function tablesToSave() {
    for (const table of document.querySelectorAll("table[data-name]")) {
      const place = table.closest(".scroll") || table;
      const button = node("button", { type: "button", class: "save" }, null, "CSV");
      button.setAttribute("aria-label", `${table.dataset.name} as CSV`);
      place.after(button);
      button.addEventListener("click", () => saved(table.dataset.name, [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim().replaceAll("\u00a0", " ").replaceAll("−", "-")))));
    }
  }
  document.addEventListener("DOMContentLoaded", tablesToSave);

  Object.assign(QA, { series, days, fallen, look, timeline, ranges, columns, fitted, formatted });
})();
