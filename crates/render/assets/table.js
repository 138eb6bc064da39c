"use strict";
// Search and sort in every table that asks for it. Without this script the tables are whole and in their own order.
(() => {
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    table.tHead.querySelectorAll("th[data-sort]").forEach((head) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        table.tHead.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const at = head.cellIndex;
        const value = (row) => {
          const cell = row.cells[at];
          const number = parseFloat(cell.dataset.v);
          return cell.dataset.v === undefined ? cell.textContent : Number.isNaN(number) ? -Infinity : number;
        };
        const order = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
        const rows = [...body.rows].map((row) => [value(row), row]);
        rows.sort(([a], [b]) => (up ? order(a, b) : order(b, a)));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }
  const search = document.getElementById("search");
  const table = document.getElementById("table");
  if (!search || !table) return;
  const moved = document.getElementById("moved-only");
  const count = document.getElementById("count");
  const texts = [...table.tBodies[0].rows].map((row) => [row.cells[0].textContent.toLowerCase(), row]);
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [text, row] of texts) {
      const fits = words.every((word) => text.includes(word)) && (!moved || !moved.checked || row.dataset.moved);
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${texts.length} shown`;
  };
  search.addEventListener("input", filter);
  if (moved) moved.addEventListener("change", filter);
  document.querySelectorAll(".scripted").forEach((part) => { part.hidden = false; });
  filter();
})();
