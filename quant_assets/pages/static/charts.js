// Charts of our pages, in SVG and canvas: boxes, heat maps, surfaces, lines, points. Loaded after
// base.js.
// QA.boxes(place, [{label, values: [p10, p25, p50, p75, p90], count}], options) and so on: a place
// is the id of an element, drawing again replaces what is there. The map of colours is cividis.
"use strict";
(() => {
  const { COLOURS, shown, known, node, tell, ticks } = QA;
  const CIVIDIS = [[0, 32, 77], [49, 68, 107], [102, 105, 112], [149, 143, 120], [203, 186, 105], [255, 234, 70]];
  const WIDTH = 540;

  function frame(place, title) {
    const element = document.getElementById(place);
    element.replaceChildren();
    if (title) node("h3", {}, element, title);
    return element;
  }

  function axes(element, options, bounds, labels) {
    const width = options.width || WIDTH, height = options.height || 300;
    const left = 58, top = options.top || 14, bottom = options.x ? 46 : 30;
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}` }, element);
    const [low, high] = bounds;
    const y = (v) => top + (height - top - bottom) * (1 - (v - low) / (high - low || 1));
    const step = (width - left - 10) / Math.max(labels.length, 1);
    const x = (k) => left + step * (k + 0.5);
    for (const v of ticks(low, high, 5)) {
      node("line", { class: "grid", x1: left, x2: width - 10, y1: y(v), y2: y(v) }, svg);
      node("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, svg, shown(v));
    }
    const every = Math.ceil(labels.length / (options.labels || 14));
    labels.forEach((label, k) => {
      if (k % every === 0) node("text", { x: x(k), y: height - bottom + 17, "text-anchor": "middle" }, svg, label);
    });
    if (options.x) node("text", { class: "soft", x: (left + width) / 2, y: height - 6, "text-anchor": "middle" }, svg, options.x);
    if (options.y) {
      const middle = (top + height - bottom) / 2;
      node("text", { class: "soft", transform: `translate(13 ${middle}) rotate(-90)`, "text-anchor": "middle" }, svg, options.y);
    }
    return { svg, x, y, step };
  }

  // Boxes: groups of {label, values: five percentiles, count}.
  function boxes(place, groups, options = {}) {
    const element = frame(place, options.title);
    const all = groups.flatMap((group) => group.values).filter(known);
    if (!all.length) { node("p", {}, element, "Nothing to show."); return; }
    const { svg, x, y, step } = axes(element, options, [0, Math.max(...all) * 1.05], groups.map((group) => group.label));
    const half = Math.min(step * 0.32, 30);
    groups.forEach((group, k) => {
      const [low, first, middle, third, high] = group.values;
      if (!known(middle)) return;
      const box = node("g", {}, svg), line = { stroke: "#555", "stroke-width": 1.2 };
      node("line", { ...line, x1: x(k), x2: x(k), y1: y(low), y2: y(high) }, box);
      for (const end of [low, high]) node("line", { ...line, x1: x(k) - half / 2, x2: x(k) + half / 2, y1: y(end), y2: y(end) }, box);
      node("rect", { x: x(k) - half, width: 2 * half, y: y(third), height: Math.max(y(first) - y(third), 1), fill: COLOURS[4], stroke: "#555" }, box);
      node("line", { x1: x(k) - half, x2: x(k) + half, y1: y(middle), y2: y(middle), stroke: "#000", "stroke-width": 2 }, box);
      node("text", { class: "soft", x: x(k), y: y(high) - 5, "text-anchor": "middle" }, box, "n=" + group.count);
      tell(box, `${group.label}: median ${shown(middle)}\n25–75 %: ${shown(first)} – ${shown(third)}\n10–90 %: ${shown(low)} – ${shown(high)}\nruns: ${group.count}`);
    });
  }

  // Lines: series of {name, values}, one value a label. With `bars` the first one as bars; with
  // `tight` the scale begins near the lowest value instead of at 0.
  function lines(place, labels, series, options = {}) {
    const element = frame(place, options.title);
    const all = series.flatMap((one) => one.values).filter(known);
    if (!all.length) { node("p", {}, element, "Nothing to show."); return; }
    const lowest = Math.min(...all), highest = Math.max(...all);
    const room = 0.05 * (highest - (options.tight ? lowest : Math.min(0, lowest))) || 0.05 * Math.abs(highest) || 1;
    const bounds = [options.tight ? lowest - room : Math.min(0, lowest), highest + room];
    const { svg, x, y, step } = axes(element, { ...options, labels: 6, top: 26 }, bounds, labels);
    series.forEach((one, s) => {
      let path = "", pen = "M";
      one.values.forEach((v, k) => { if (known(v)) { path += `${pen}${x(k).toFixed(1)} ${y(v).toFixed(1)}`; pen = "L"; } else pen = "M"; });
      if (options.bars) one.values.forEach((v, k) => node("rect", { x: x(k) - step * 0.4, width: step * 0.8, y: y(v), height: y(0) - y(v), fill: COLOURS[s % 6] }, svg));
      else node("path", { d: path, fill: "none", stroke: COLOURS[s % 6], "stroke-width": 1.6 }, svg);
      const at = 70 + 150 * s;
      node("rect", { x: at, y: 5, width: 12, height: 4, fill: COLOURS[s % 6] }, svg);
      node("text", { x: at + 16, y: 11 }, svg, one.name);
    });
    labels.forEach((label, k) => {
      const strip = node("rect", { x: x(k) - step / 2, width: step, y: 10, height: (options.height || 300) - 40, fill: "transparent" }, svg);
      tell(strip, `${label}\n` + series.map((one) => `${one.name}: ${shown(one.values[k])}`).join("\n"));
    });
  }

  // Points: groups of {name, points: [x, y, text]} on two scales of numbers. Dashed is where both
  // are equal.
  function points(place, groups, options = {}) {
    const element = frame(place, options.title);
    const all = groups.flatMap((group) => group.points);
    if (!all.length) { node("p", {}, element, "Nothing to show."); return; }
    const wide = (values) => {
      const low = Math.min(0, ...values), high = Math.max(0, ...values), room = 0.05 * (high - low || 1);
      return [low - room, high + room];
    };
    const across = wide(all.map((point) => point[0])), up = wide(all.map((point) => point[1]));
    const { svg, y } = axes(element, { ...options, top: 26 }, up, []);
    const width = options.width || WIDTH, height = options.height || 300, left = 58, right = width - 10;
    const x = (v) => left + ((right - left) * (v - across[0])) / (across[1] - across[0]);
    for (const v of ticks(...across, 8)) {
      node("line", { class: "grid", x1: x(v), x2: x(v), y1: y(up[0]), y2: y(up[1]) }, svg);
      node("text", { x: x(v), y: height - 29, "text-anchor": "middle" }, svg, shown(v));
    }
    const axis = { stroke: "#888", "stroke-width": 0.9 };
    node("line", { ...axis, x1: left, x2: right, y1: y(0), y2: y(0) }, svg);
    node("line", { ...axis, x1: x(0), x2: x(0), y1: y(up[0]), y2: y(up[1]) }, svg);
    const [from, to] = [Math.max(across[0], up[0]), Math.min(across[1], up[1])];
    node("line", { ...axis, "stroke-dasharray": "5 4", x1: x(from), y1: y(from), x2: x(to), y2: y(to) }, svg);
    groups.forEach((group, g) => {
      for (const [a, b, text] of group.points) {
        const dot = node("circle", { cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: g ? 4.5 : 2.8, fill: COLOURS[g % 6], "fill-opacity": g ? 1 : 0.55 }, svg);
        tell(dot, `${text}\n${options.x}: ${shown(a)}\n${options.y}: ${shown(b)}`);
      }
      const at = 70 + 150 * g;
      node("circle", { cx: at + 6, cy: 7, r: 4, fill: COLOURS[g % 6] }, svg);
      node("text", { x: at + 16, y: 11 }, svg, group.name);
    });
  }

  function colour(share) {
    const place = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1);
    const k = Math.min(Math.floor(place), CIVIDIS.length - 2), part = place - k;
    return CIVIDIS[k].map((c, i) => Math.round(c + (CIVIDIS[k + 1][i] - c) * part));
  }
  const rgb = (c) => `rgb(${c.join(",")})`;
  const dark = (c) => 0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2] < 128;

  function range(values) {
    const all = values.flat().filter(known);
    return all.length ? [Math.min(...all), Math.max(...all)] : null;
  }

  // A heat map: values[row][column], with the rows' and columns' names; null is grey. `marks` are
  // signs in corners of cells: [row, column, sign].
  function heat(place, rows, columns, values, options = {}) {
    const element = frame(place, options.title), bounds = range(values);
    if (!bounds) { node("p", {}, element, "Nothing to show."); return; }
    const height = options.height || 300, left = 58, top = 14, bottom = 46;
    const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${height}` }, element);
    const w = (WIDTH - left - 10) / columns.length, h = (height - top - bottom) / rows.length;
    rows.forEach((row, r) => {
      const at = top + h * (rows.length - 1 - r);
      if (r % Math.ceil(rows.length / 20) === 0) node("text", { x: left - 6, y: at + h / 2 + 4, "text-anchor": "end" }, svg, row);
      columns.forEach((column, c) => {
        const value = values[r][c];
        const fill = known(value) ? colour((value - bounds[0]) / (bounds[1] - bounds[0] || 1)) : [225, 225, 225];
        const cell = node("g", {}, svg);
        node("rect", { x: left + w * c, y: at, width: w - 1, height: h - 1, fill: rgb(fill) }, cell);
        if (known(value) && w > 34 && h > 14) {
          const style = `fill:${dark(fill) ? "#fff" : "#000"}`;
          node("text", { x: left + w * (c + 0.5), y: at + h / 2 + 4, "text-anchor": "middle", style }, cell, shown(value, 3));
        }
        const words = options.words ? options.words(r, c) : "";
        tell(cell, `${options.y || ""} ${row}, ${options.x || ""} ${column}: ${shown(value)}${words}`);
      });
    });
    for (const [r, c, sign] of options.marks || []) {
      const at = { x: left + w * (c + 1) - 4, y: top + h * (rows.length - 1 - r) + 14, "text-anchor": "end" };
      node("text", { ...at, style: "fill:#D55E00;font-weight:bold;font-size:17px" }, svg, sign);
    }
    columns.forEach((column, c) => {
      if (c % Math.ceil(columns.length / 14) === 0) node("text", { x: left + w * (c + 0.5), y: height - bottom + 17, "text-anchor": "middle" }, svg, column);
    });
    if (options.x) node("text", { class: "soft", x: (left + WIDTH) / 2, y: height - 6, "text-anchor": "middle" }, svg, options.x);
    if (options.y) node("text", { class: "soft", transform: `translate(13 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, svg, options.y);
  }

  // A surface over a grid: values[row][column]; columns go along x, rows along y. Dragging turns it,
  // the wheel makes it larger. A face is drawn where its four corners are known, a needle elsewhere.
  function surface(place, rows, columns, values, options = {}) {
    const element = frame(place, options.title), bounds = range(values);
    if (!bounds) { node("p", {}, element, "Nothing to show."); return; }
    const height = options.height || 300, ratio = 2;
    const canvas = node("canvas", { width: WIDTH * ratio, height: height * ratio, tabindex: 0 }, element);
    const pen = canvas.getContext("2d");
    const view = { turn: 2.4, tilt: 0.55, size: 1 };
    const home = { ...view };
    const along = (k, n) => (n > 1 ? (k / (n - 1)) * 2 - 1 : 0);
    const share = (v) => v / (bounds[1] || 1);

    function spot(x, y, z) {
      const c = Math.cos(view.turn), s = Math.sin(view.turn), u = x * c - y * s, d = x * s + y * c;
      const unit = Math.min(WIDTH * 0.31, height * 0.37) * view.size;
      const lift = (z - 0.5) * 1.25;
      return { x: WIDTH / 2 + u * unit, y: height * 0.46 - (lift * Math.cos(view.tilt) - d * Math.sin(view.tilt)) * unit, depth: d };
    }
    const corner = (r, c, z) => spot(along(c, columns.length), -along(r, rows.length), z);

    function trace(points) {
      pen.beginPath();
      points.forEach((p, k) => (k ? pen.lineTo(p.x, p.y) : pen.moveTo(p.x, p.y)));
    }

    function draw() {
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, WIDTH, height);
      pen.font = "11.5px system-ui, 'DejaVu Sans', Arial, sans-serif";
      pen.lineWidth = 1;
      pen.strokeStyle = "#ccc";
      trace([spot(-1, -1, 0), spot(1, -1, 0), spot(1, 1, 0), spot(-1, 1, 0)]);
      pen.closePath();
      pen.stroke();
      const things = [];
      for (let r = 0; r < rows.length; r++) for (let c = 0; c < columns.length; c++) {
        if (!known(values[r][c])) continue;
        const here = corner(r, c, share(values[r][c]));
        const foot = corner(r, c, 0);
        things.push({ depth: here.depth + 0.001, paint: () => {
          pen.strokeStyle = "rgba(80,80,80,.45)";
          trace([foot, here]);
          pen.stroke();
          pen.fillStyle = rgb(colour((values[r][c] - bounds[0]) / (bounds[1] - bounds[0] || 1)));
          pen.strokeStyle = "#333";
          pen.beginPath();
          pen.arc(here.x, here.y, 4, 0, 7);
          pen.fill();
          pen.stroke();
        } });
        if (r + 1 === rows.length || c + 1 === columns.length) continue;
        const four = [[r, c], [r, c + 1], [r + 1, c + 1], [r + 1, c]];
        const heights = four.map(([a, b]) => values[a][b]);
        if (!heights.every(known)) continue;
        const points = four.map(([a, b], k) => corner(a, b, share(heights[k])));
        const mean = heights.reduce((a, b) => a + b) / 4;
        things.push({ depth: points.reduce((a, p) => a + p.depth, 0) / 4, paint: () => {
          trace(points);
          pen.closePath();
          pen.globalAlpha = 0.86;
          pen.fillStyle = rgb(colour((mean - bounds[0]) / (bounds[1] - bounds[0] || 1)));
          pen.fill();
          pen.globalAlpha = 1;
          pen.strokeStyle = "rgba(255,255,255,.7)";
          pen.stroke();
        } });
      }
      things.sort((a, b) => a.depth - b.depth).forEach((thing) => thing.paint());
      pen.fillStyle = "#222";
      pen.textAlign = "center";
      const front = Math.cos(view.turn) > 0 ? 1 : -1, side = Math.sin(view.turn) > 0 ? 1 : -1;
      columns.forEach((name, c) => { const p = spot(along(c, columns.length), front * 1.14, 0); pen.fillText(name, p.x, p.y + 4); });
      rows.forEach((name, r) => { const p = spot(side * 1.14, -along(r, rows.length), 0); pen.fillText(name, p.x, p.y + 4); });
      pen.fillStyle = "#666";
      let p = spot(0, front * 1.36, 0);
      pen.fillText(options.x || "", p.x, p.y + 6);
      p = spot(side * 1.4, 0, 0);
      pen.fillText(options.y || "", p.x, p.y + 6);
      const edge = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([a, b]) => ({ a, b, at: spot(a, b, 0) })).sort((m, n) => m.at.x - n.at.x)[0];
      pen.textAlign = "right";
      for (const v of ticks(0, bounds[1], 4).filter((v) => v > 0)) {
        const q = spot(edge.a, edge.b, share(v));
        pen.fillText(shown(v), q.x - 8, q.y + 4);
      }
      pen.strokeStyle = "#999";
      trace([spot(edge.a, edge.b, 0), spot(edge.a, edge.b, 1)]);
      pen.stroke();
    }

    let held = null;
    canvas.addEventListener("pointerdown", (event) => { held = { x: event.clientX, y: event.clientY, ...view }; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointerup", () => { held = null; });
    canvas.addEventListener("pointermove", (event) => {
      if (!held) return;
      turnTo(held.turn - (event.clientX - held.x) / 120, held.tilt + (event.clientY - held.y) / 160);
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      view.size = Math.min(Math.max(view.size * Math.exp(-event.deltaY / 900), 0.5), 3);
      draw();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, -0.08], ArrowDown: [0, 0.08] }[event.key];
      if (!by) return;
      event.preventDefault();
      turnTo(view.turn + by[0], view.tilt + by[1]);
    });
    function turnTo(turn, tilt) {
      view.turn = turn;
      view.tilt = Math.min(Math.max(tilt, 0.05), 1.5);
      draw();
    }
    const button = node("button", { type: "button" }, element, "turn back");
    button.addEventListener("click", () => { Object.assign(view, home); draw(); });
    draw();
  }

  Object.assign(QA, { boxes, lines, points, heat, surface });
})();
