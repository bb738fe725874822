// What every script of our pages stands on: data, numbers, elements, tips, ticks, sortable tables.
"use strict";
const QA = (() => {
  // Okabe and Ito's, which colour-blind readers can tell apart.
  const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"];

  const data = () => JSON.parse(document.getElementById("data").textContent);
  const known = (x) => x !== null && x !== undefined && Number.isFinite(x);

  function shown(x, digits = 4) {
    if (!known(x)) return "–";
    const size = Math.abs(x);
    if (size >= 1000) return Math.round(x).toLocaleString("en-US");
    return size !== 0 && size < 0.001 ? x.toExponential(2) : String(Number(x.toPrecision(digits)));
  }

  function node(name, attributes, parent, text) {
    const svg = ["svg", "g", "line", "rect", "path", "text", "circle"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  }

  // The tip beside the pointer.
  let tip = null;
  function say(text, x, y) {
    tip = tip || node("div", { class: "tip", role: "status" }, document.body);
    tip.textContent = text;
    tip.style.display = "block";
    tip.style.left = Math.max(Math.min(x + 14, innerWidth - tip.offsetWidth - 8), 0) + "px";
    tip.style.top = Math.min(y + 14, innerHeight - tip.offsetHeight - 8) + "px";
  }
  const hush = () => { if (tip) tip.style.display = "none"; };
  function tell(element, text) {
    element.addEventListener("pointermove", (event) => say(text, event.clientX, event.clientY));
    element.addEventListener("pointerleave", hush);
  }

  // Round steps over a range, at most so many.
  function ticks(low, high, most) {
    const raw = (high - low || 1) / most, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * 0.999);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step);
    return found;
  }

  // What a cell of numbers or of days is sorted by: NaN where it has neither.
  function sortKey(text) {
    const plain = text.replaceAll(",", "").replace("−", "-");
    return /^\d{4}-\d\d-\d\d/.test(plain) ? Date.parse(plain.slice(0, 10)) : parseFloat(plain);
  }

  // Tables of class "sortable": a click or Enter on a head sorts, a second one the other way round.
  function sortable() {
    for (const table of document.querySelectorAll("table.sortable")) {
      const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, place) => {
        const number = head.classList.contains("n");
        const key = (row) => row.cells[place].textContent;
        function sort() {
          const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
          const rows = [...body.rows].sort((a, b) => {
            if (!number) return way * key(a).localeCompare(key(b));
            const x = sortKey(key(a)), y = sortKey(key(b));
            return Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) : way * (x - y);
          });
          body.append(...rows);
          for (const each of heads) each.removeAttribute("aria-sort");
          head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
        }
        head.tabIndex = 0;
        head.addEventListener("click", sort);
        head.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          sort();
        });
      });
    }
  }

  // Tells a script what is chosen, now and at each change.
  function chosen(place, tellPlace) {
    const list = document.getElementById(place);
    list.addEventListener("change", () => tellPlace(Number(list.value)));
    tellPlace(Number(list.value));
  }

  document.addEventListener("DOMContentLoaded", sortable);
  return { COLOURS, data, shown, known, node, say, hush, tell, ticks, chosen };
})();
