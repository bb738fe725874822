// The table of factors and the charts of one of them; `data.packed` is what packing.py made.
(async () => {
  "use strict";
  const { COLOURS, known, ticks, say, hush } = QA;
  const ORDERED = ["#A65200", "#E69F00", "#999999", "#56B4E9", "#0072B2"];
  const WIDTH = 540, MISSING = -128;
  const get = (id) => document.getElementById(id);
  const signs = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  const safe = (text) => String(text).replace(/[&<>"']/g, (sign) => signs[sign]);

  // ---- data ----
  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const body = new Uint8Array(await new Response(stream).arrayBuffer());
    const size = new DataView(body.buffer).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(body.subarray(4, 4 + size)));
    let at = 4 + size;
    for (const { name, kind, shape } of head.arrays) {
      const count = shape.reduce((a, b) => a * b, 1), length = kind === "int8" ? count : 4 * count;
      const part = body.slice(at, at + length);
      at += length;
      if (kind === "int8") { head[name] = new Int8Array(part.buffer); continue; }
      const whole = new Uint8Array(length);
      for (let k = 0; k < count; k++) for (let b = 0; b < 4; b++) whole[4 * k + b] = part[b * count + k];
      head[name] = new Float32Array(whole.buffer);
    }
    return head;
  }

  const D = await unpack(data.packed);
  const F = D.factors.length, H = D.horizons.length, C = D.columns.length;
  const place = Object.fromEntries(D.columns.map(([name], k) => [name, k]));
  const value = (name, f, h) => D.table[(f * H + h) * C + place[name]];
  // A series of a factor at a horizon, from steps to numbers.
  function series(name, f, h, length) {
    const unit = D[`${name}_unit`][f * H + h], from = (f * H + h) * length;
    return Array.from(D[name].subarray(from, from + length), (s) => (s === MISSING ? NaN : s * unit));
  }
  function curves(f, h) {
    const days = D.dates.length, unit = D.curves_unit[f * H + h];
    return [0, 1, 2, 3, 4].map((q) => {
      const from = ((f * H + h) * 5 + q) * days, step = new Int8Array(1);
      return Array.from(D.curves.subarray(from, from + days), (difference) => {
        step[0] += difference; // wraps around, as it was made
        return step[0] === MISSING ? NaN : step[0] * unit;
      });
    });
  }

  // ---- texts ----
  const FORMS = {
    ic: (x) => x.toFixed(4),
    t: (x) => x.toFixed(2),
    p: (x) => (x < 0.0001 ? x.toExponential(0) : x.toFixed(4)),
    bp: (x) => x.toFixed(2),
    share: (x) => (100 * x).toFixed(1) + "%",
    number: (x) => (x >= 1000 ? x.toExponential(1) : x.toFixed(1)),
    whole: (x) => String(Math.round(x)),
  };
  const told = (form, x) => (known(x) ? FORMS[form](x).replace("-", "−") : "–");
  // Of a tick: no more digits than it has.
  const round = (form, x) => (String(Number((form === "share" ? 100 * x : x).toPrecision(6))) + (form === "share" ? "%" : "")).replace("-", "−");

  // ---- drawing: SVG as text; what has data-tip is told where the pointer is ----
  const words = (x, y, text, more = "") => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${safe(text)}</text>`;
  const line = (x1, y1, x2, y2, more) => `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`;
  const tipped = (text, inside) => `<g data-tip="${safe(text)}">${inside}</g>`;
  const nothing = (id, text) => { get(id).innerHTML = `<p>${safe(text || "Nothing to show.")}</p>`; };

  // Axes: numbers along y, and along x numbers (range) or names (labels) in bands.
  function axes({ x, y, labels, form = "t", xForm, xTitle, yTitle, height = 260, width = WIDTH, left = 54, top = 12, right = 12, most = 12 }) {
    const bottom = xTitle ? 44 : 28, band = (width - left - right) / Math.max(labels ? labels.length : 1, 1);
    const py = (v) => top + (height - top - bottom) * (1 - (v - y[0]) / (y[1] - y[0] || 1));
    const px = labels ? (k) => left + band * (k + 0.5) : (v) => left + (width - left - right) * ((v - x[0]) / (x[1] - x[0] || 1));
    let out = "";
    for (const v of ticks(y[0], y[1], 5)) {
      out += line(left, py(v), width - right, py(v), `class="grid"`) + words(left - 6, py(v) + 4, round(form, v), `text-anchor="end"`);
    }
    if (y[0] < 0 && y[1] > 0) out += line(left, py(0), width - right, py(0), `stroke="#555"`);
    if (labels) {
      const every = Math.ceil(labels.length / most);
      labels.forEach((label, k) => { if (k % every === 0) out += words(px(k), height - bottom + 17, label, `text-anchor="middle"`); });
    } else {
      for (const v of ticks(x[0], x[1], 8)) out += line(px(v), top, px(v), height - bottom, `class="grid"`) + words(px(v), height - bottom + 17, round(xForm, v), `text-anchor="middle"`);
      if (x[0] < 0 && x[1] > 0) out += line(px(0), top, px(0), height - bottom, `stroke="#555"`);
    }
    if (xTitle) out += words((left + width) / 2, height - 6, xTitle, `class="soft" text-anchor="middle"`);
    if (yTitle) out += `<text class="soft" transform="translate(12 ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">${safe(yTitle)}</text>`;
    const draw = (id, inside, more = "") => { get(id).innerHTML = `<svg viewBox="0 0 ${width} ${height}" ${more}>${out}${inside}</svg>`; };
    return { px, py, band, left, top, right: width - right, bottom: height - bottom, draw };
  }
  function range(values, zero = true) {
    const all = values.filter(known);
    if (!all.length) return null;
    const low = Math.min(...all, ...(zero ? [0] : [])), high = Math.max(...all, ...(zero ? [0] : []));
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    return [low < 0 ? low - room : low, high > 0 ? high + room : high];
  }
  // Bars up and down from zero, with a line at `mean`.
  function bars(id, labels, values, { form, mean, unit = "", colour, ...more }) {
    const y = range([...values, mean]);
    if (!y) return nothing(id);
    const a = axes({ ...more, labels, y, form });
    const out = values.map((v, k) => {
      if (!known(v)) return "";
      const high = Math.min(a.py(v), a.py(0)), size = Math.max(Math.abs(a.py(v) - a.py(0)), 0.5), wide = Math.max(a.band * 0.72, 1);
      const fill = colour ? colour(k) : v < 0 ? COLOURS[1] : COLOURS[0];
      return tipped(`${labels[k]}: ${told(form, v)}${unit}`, `<rect x="${a.px(k) - a.band / 2}" y="${a.top}" width="${a.band}" height="${a.bottom - a.top}" fill="transparent"/><rect class="bar" x="${(a.px(k) - wide / 2).toFixed(1)}" y="${high.toFixed(1)}" width="${wide.toFixed(1)}" height="${size.toFixed(1)}" fill="${fill}"/>`);
    });
    if (known(mean)) out.push(line(a.left, a.py(mean), a.right, a.py(mean), `stroke="#000" stroke-dasharray="5 3" pointer-events="none"`));
    a.draw(id, out.join(""));
  }
  // Lines with marks: {name, values, colour}; names stand above.
  function lines(id, labels, all, { form, ...more }) {
    const y = range(all.flatMap((one) => one.values));
    if (!y) return nothing(id);
    const a = axes({ ...more, labels, y, form, top: 30 });
    let at = a.left, out = "";
    all.forEach(({ name, values, colour }, s) => {
      let path = "", pen = "M";
      values.forEach((v, k) => { if (known(v)) { path += `${pen}${a.px(k).toFixed(1)} ${a.py(v).toFixed(1)}`; pen = "L"; } else pen = "M"; });
      out += `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.8"/>`;
      values.forEach((v, k) => { if (known(v)) out += shape(s, a.px(k), a.py(v), values.length > 8 ? 2.4 : 4, `fill="${colour}"`); });
      out += shape(s, at + 5, 12, 4.5, `fill="${colour}"`) + words(at + 14, 16, name);
      at += 26 + 6.6 * name.length;
    });
    labels.forEach((label, k) => {
      const tip = [label, ...all.map((one) => `${one.name}: ${told(form, one.values[k])}`)].join("\n");
      out += tipped(tip, `<rect x="${a.px(k) - a.band / 2}" y="${a.top}" width="${a.band}" height="${a.bottom - a.top}" fill="transparent"/>`);
    });
    a.draw(id, out);
  }
  // Marks that differ in shape, of about the same area.
  function shape(kind, x, y, r, more) {
    const at = (pairs) => pairs.map(([dx, dy]) => `${(x + dx * r).toFixed(1)},${(y + dy * r).toFixed(1)}`).join(" ");
    const points = [null, [[-0.89, -0.89], [0.89, -0.89], [0.89, 0.89], [-0.89, 0.89]], [[0, -1.3], [1.2, 0.8], [-1.2, 0.8]], [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]], [[0, 1.3], [1.2, -0.8], [-1.2, -0.8]]][kind % 5];
    return points ? `<polygon points="${at(points)}" ${more}/>` : `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r.toFixed(1)}" ${more}/>`;
  }
  const colourOf = (type) => COLOURS[type % 6], kindOf = (type) => type + Math.floor(type / 6);

  addEventListener("pointermove", (event) => {
    const over = event.target.closest && event.target.closest("[data-tip]");
    over ? say(over.dataset.tip, event.clientX, event.clientY) : hush();
  });

  // ---- what is chosen ----
  const state = { h: D.middle, f: D.strongest, column: "rank_ic", way: -1 };
  const option = (text, v) => new Option(text, v);
  get("type").append(option("all", ""), ...D.types.map((name, k) => option(name, k)));
  get("library").append(option("all", ""), ...D.libraries.map((name, k) => option(name || "none", k)));
  get("horizon").value = state.h;
  const SIGN = "#factor=", wanted = location.hash.startsWith(SIGN) ? location.hash.slice(SIGN.length) : "";
  if (D.factors.includes(wanted)) state.f = D.factors.indexOf(wanted);
  function passes(f) {
    const type = get("type").value, library = get("library").value, text = get("search").value.trim().toLowerCase();
    return (type === "" || D.type[f] === Number(type)) && (library === "" || D.texts[f][0] === Number(library))
      && (!text || D.factors[f].includes(text) || D.texts[f][1].toLowerCase().includes(text));
  }

  // ---- the table ----
  const heads = [["factor", "factor", "name", "its name"], ["type", "type", "name", "its type"], ["library", "library", "name", "its library"], ...D.columns];
  const key = (name, f) => (name === "factor" ? D.factors[f] : name === "type" ? D.types[D.type[f]] : name === "library" ? D.libraries[D.texts[f][0]] : value(name, f, state.h));
  const rows = new Map();
  function build() {
    const table = document.createElement("table");
    table.innerHTML = `<thead><tr>${heads.map(([name, head, form, what]) => `<th scope="col" data-name="${name}" ${form === "name" ? "" : `class="n"`}><button type="button" data-tip="${safe(what)}" title="${safe(what)}">${safe(head)}</button></th>`).join("")}</tr></thead><tbody></tbody>`;
    for (let f = 0; f < F; f++) {
      const row = document.createElement("tr");
      row.dataset.f = f;
      rows.set(f, row);
    }
    get("table").replaceChildren(table);
    table.tHead.addEventListener("click", (event) => {
      const head = event.target.closest("th");
      if (!head) return;
      const name = head.dataset.name, text = heads.find((one) => one[0] === name)[2] === "name";
      state.way = state.column === name ? -state.way : text ? 1 : -1;
      state.column = name;
      sort();
    });
    table.tBodies[0].addEventListener("click", (event) => { const row = event.target.closest("tr"); if (row) choose(Number(row.dataset.f), false); });
    table.tBodies[0].addEventListener("keydown", (event) => {
      const to = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      let row = event.target.closest("tr");
      if (!to || !row) return;
      event.preventDefault();
      do row = row[to]; while (row && row.hidden);
      if (row) row.querySelector("button").focus();
    });
  }
  function fill() {
    for (const [f, row] of rows) {
      row.innerHTML = `<th scope="row"><button type="button">${safe(D.factors[f])}</button></th><td>${safe(D.types[D.type[f]])}</td><td>${safe(D.libraries[D.texts[f][0]])}</td>`
        + D.columns.map(([, , form], c) => `<td class="n">${told(form, D.table[(f * H + state.h) * C + c])}</td>`).join("");
    }
  }
  function sort() {
    const size = get("by-size").checked;
    const found = [...rows.keys()].sort((a, b) => {
      let x = key(state.column, a), y = key(state.column, b);
      if (typeof x === "string") return state.way * x.localeCompare(y) || a - b;
      if (!known(x) || !known(y)) return known(y) - known(x) || a - b;
      if (size) [x, y] = [Math.abs(x), Math.abs(y)];
      return state.way * (x - y) || a - b;
    });
    const table = get("table").firstChild;
    table.tBodies[0].append(...found.map((f) => rows.get(f)));
    for (const head of table.tHead.rows[0].cells) {
      const here = head.dataset.name === state.column;
      here ? head.setAttribute("aria-sort", state.way > 0 ? "ascending" : "descending") : head.removeAttribute("aria-sort");
      head.firstChild.textContent = heads.find((one) => one[0] === head.dataset.name)[1] + (here ? (state.way > 0 ? " ▲" : " ▼") : "");
    }
  }
  function filter() {
    let count = 0;
    for (const [f, row] of rows) { row.hidden = !passes(f); count += !row.hidden; }
    get("shown").textContent = `${count} of ${F} factors`;
    for (const mark of document.querySelectorAll("#bubbles .mark")) mark.classList.toggle("faint", !passes(Number(mark.dataset.f)));
  }

  // ---- overview ----
  function overview() {
    document.querySelectorAll(".chance").forEach((each, h) => { each.hidden = h !== state.h; });
    const all = [...Array(F).keys()].map((f) => ({ f, x: value("beta", f, state.h), y: value("t_statistic", f, state.h), r: value("r_squared", f, state.h) })).filter((p) => known(p.x) && known(p.y));
    const most = Math.max(...all.map((p) => p.r).filter(known), 1e-12);
    const x = range(all.map((p) => p.x)), y = range(all.map((p) => p.y));
    if (all.length) {
      const types = D.types.filter((_, k) => D.type.includes(k));
      const perRow = 6, height = 330 + 17 * Math.ceil(types.length / perRow);
      const a = axes({ x, y, width: 860, height, top: 14 + 17 * Math.ceil(types.length / perRow), xForm: "bp", form: "t", xTitle: "beta: bp a session for one standard deviation of the factor", yTitle: "mean t-statistic" });
      const legend = types.map((name, k) => { const at = D.types.indexOf(name), lx = a.left + 132 * (k % perRow), ly = 10 + 17 * Math.floor(k / perRow); return shape(kindOf(at), lx + 5, ly, 5, `fill="${colourOf(at)}"`) + words(lx + 15, ly + 4, name); });
      all.sort((p, q) => q.r - p.r);
      const marks = all.map((p) => {
        const tip = `${D.factors[p.f]} (${D.types[D.type[p.f]]})\nbeta ${told("bp", p.x)} bp, t ${told("t", p.y)}, R² ${told("share", p.r)}\nrank IC ${told("ic", value("rank_ic", p.f, state.h))}`;
        return shape(kindOf(D.type[p.f]), a.px(p.x), a.py(p.y), 2.5 + 12 * Math.sqrt((p.r || 0) / most), `class="mark" fill="${colourOf(D.type[p.f])}" data-f="${p.f}" data-tip="${safe(tip)}"`);
      });
      a.draw("bubbles", legend.join("") + marks.join(""), `tabindex="0" aria-label="Marks of factors; arrow keys and Enter"`);
      walk(get("bubbles").firstChild);
    } else nothing("bubbles");
    box("box-t", D.boxes.t_statistic[state.h], "t");
    box("box-r", D.boxes.r_squared[state.h], "share");
  }
  // Keys go through the marks from left to right.
  function walk(svg) {
    const marks = () => [...svg.querySelectorAll(".mark:not(.faint)")].sort((a, b) => a.getBoundingClientRect().x - b.getBoundingClientRect().x);
    let at = null;
    svg.addEventListener("click", (event) => { const mark = event.target.closest(".mark"); if (mark) choose(Number(mark.dataset.f), true); });
    svg.addEventListener("blur", hush);
    svg.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key], all = marks();
      if (event.key === "Enter" && at) choose(Number(at.dataset.f), true);
      if (!way || !all.length) return;
      event.preventDefault();
      const from = all.indexOf(at || svg.querySelector(".mark.chosen"));
      at = all[(from + way + all.length) % all.length];
      const where = at.getBoundingClientRect();
      say(at.dataset.tip, where.right, where.bottom);
    });
  }
  function box(id, all, form) {
    if (!all.length) return nothing(id);
    const x = range(all.flatMap(([, values]) => values)), left = 104, height = 40 + 25 * all.length, width = WIDTH;
    const px = (v) => left + (width - left - 16) * ((v - x[0]) / (x[1] - x[0] || 1));
    let out = "";
    for (const v of ticks(x[0], x[1], 6)) out += line(px(v), 4, px(v), height - 24, `class="grid"`) + words(px(v), height - 8, round(form, v), `text-anchor="middle"`);
    if (x[0] < 0) out += line(px(0), 4, px(0), height - 24, `stroke="#555"`);
    [...all].reverse().forEach(([type, [low, first, middle, third, high], count], k) => {
      const y = 18 + 25 * k, at = D.types.indexOf(type), grey = `stroke="#555"`;
      const inside = line(px(low), y, px(high), y, grey) + line(px(low), y - 5, px(low), y + 5, grey) + line(px(high), y - 5, px(high), y + 5, grey)
        + `<rect x="${px(first).toFixed(1)}" y="${y - 8}" width="${Math.max(px(third) - px(first), 1).toFixed(1)}" height="16" fill="${colourOf(at)}" stroke="#555"/>`
        + line(px(middle), y - 8, px(middle), y + 8, `stroke="#000" stroke-width="2"`)
        + shape(kindOf(at), left - 8, y, 4.5, `fill="${colourOf(at)}"`) + words(left - 18, y + 4, type, `text-anchor="end"`);
      out += tipped(`${type}: median ${told(form, middle)}\n25 to 75 %: ${told(form, first)} to ${told(form, third)}\n10 to 90 %: ${told(form, low)} to ${told(form, high)}\ntest dates of factors: ${count.toLocaleString("en-US")}`, inside);
    });
    get(id).innerHTML = `<svg viewBox="0 0 ${width} ${height}">${out}</svg>`;
  }

  // ---- one factor ----
  function choose(f, scroll) {
    state.f = f;
    for (const each of document.querySelectorAll("#table tr.chosen, .mark.chosen")) each.classList.remove("chosen");
    rows.get(f).classList.add("chosen");
    const mark = document.querySelector(`#bubbles .mark[data-f="${f}"]`);
    if (mark) { mark.classList.add("chosen"); mark.parentNode.append(mark); }
    if (location.hash !== SIGN + D.factors[f]) location.replace(SIGN + D.factors[f]);
    one();
    if (scroll) get("factor").scrollIntoView({ block: "start" });
  }
  function one() {
    const { f, h } = state, [library, formula, source, description, reading] = D.texts[f];
    const head = (name) => `${D.columns[place[name]][1]} ${told(D.columns[place[name]][2], value(name, f, h))}`;
    get("factor").innerHTML = `<h3>${safe(D.factors[f])}</h3><p>${safe(D.types[D.type[f]])}${D.libraries[library] ? `, library ${safe(D.libraries[library])}` : ""}, horizon ${D.horizons[h]}: `
      + `${["rank_ic", "rank_icir", "rank_ic_t", "newey_west_t", "adjusted_p", "turnover"].map(head).join(", ")}</p>`
      + (description ? `<p>${safe(description)}</p>` : "") + (formula ? `<code>${safe(formula)}</code>` : "<p>The catalogue has no formula of it.</p>")
      + (reading ? `<p>${safe(reading)}</p>` : "") + (source ? `<p>Source: ${safe(source)}</p>` : "");
    const short = D.dates.map((day) => day.slice(5));
    bars("daily", D.dates.length > 12 ? short : D.dates, series("daily", f, h, D.dates.length), { form: "ic", mean: value("rank_ic", f, h), most: 8 });
    const months = series("history", f, h, D.months.length), kept = months.filter(known);
    if (D.months.length > 1) bars("history", D.months, months, { form: "ic", mean: kept.reduce((a, b) => a + b, 0) / kept.length, most: 7 });
    else nothing("history", "No month before this one is in the warehouse.");
    const along = (name) => D.horizons.map((_, k) => value(name, f, k));
    lines("decay", D.horizons.map(String), [{ name: "rank IC", values: along("rank_ic"), colour: COLOURS[0] }, { name: "sector-neutral", values: along("rank_ic_sector_neutral"), colour: COLOURS[1] }, { name: "size-neutral", values: along("rank_ic_size_neutral"), colour: COLOURS[2] }], { form: "ic", xTitle: "horizon, sessions" });
    sectors(series("sectors", f, h, D.sector_names.length));
    const [mean, ...quantiles] = D.bars.subarray((f * H + h) * 6, (f * H + h) * 6 + 6);
    bars("quantiles", ["1", "2", "3", "4", "5"], quantiles, { form: "bp", unit: " bp", mean, colour: (k) => ORDERED[k], xTitle: "quantile", yTitle: "bp a session" });
    lines("curves", short, curves(f, h).map((values, q) => ({ name: `quantile ${q + 1}`, values, colour: ORDERED[q] })).filter((each) => each.values.some(known)), { form: "share", most: 8 });
  }
  function sectors(values) {
    const all = D.sector_names.map((name, k) => [name, values[k]]).filter((pair) => known(pair[1])).sort((a, b) => b[1] - a[1]);
    if (!all.length) return nothing("sectors", "No sector of this month has a rank IC in table factor_sector_summary.");
    const x = range(all.map((pair) => pair[1])), left = 170, height = 34 + 21 * all.length;
    const px = (v) => left + (WIDTH - left - 16) * ((v - x[0]) / (x[1] - x[0] || 1));
    let out = "";
    for (const v of ticks(x[0], x[1], 5)) out += line(px(v), 2, px(v), height - 24, `class="grid"`) + words(px(v), height - 8, round("ic", v), `text-anchor="middle"`);
    all.forEach(([name, v], k) => {
      const y = 4 + 21 * k, from = Math.min(px(v), px(0)), short = name.length > 26 ? `${name.slice(0, 25)}…` : name;
      out += tipped(`${name}: ${told("ic", v)}`, `<rect x="${left}" y="${y}" width="${WIDTH - left - 16}" height="19" fill="transparent"/><rect class="bar" x="${from.toFixed(1)}" y="${y + 2}" width="${Math.max(Math.abs(px(v) - px(0)), 0.5).toFixed(1)}" height="15" fill="${v < 0 ? COLOURS[1] : COLOURS[0]}"/>` + words(left - 6, y + 14, short, `text-anchor="end"`));
    });
    get("sectors").innerHTML = `<svg viewBox="0 0 ${WIDTH} ${height}">${out}${line(px(0), 2, px(0), height - 24, `stroke="#555"`)}</svg>`;
  }

  // ---- start ----
  function horizon() { fill(); sort(); overview(); filter(); choose(state.f, false); }
  build();
  for (const id of ["type", "library", "search"]) get(id).addEventListener("input", filter);
  get("by-size").addEventListener("change", sort);
  QA.chosen("horizon", (h) => { state.h = h; horizon(); });
})();
