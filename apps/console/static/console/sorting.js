// Sort tables that are complete on their page by their headers; updates keep the order.
const NARROW = "(max-width: 46rem)"; // where rows stand one below the other, and headers are for screen readers alone
const UNITS = { h: 3600, min: 60, s: 1, ms: 0.001 };
const sorted = new WeakMap();

// A cell's sort key: a moment, a number or a duration, else its text; null if it is empty.
function keyOf(cell) {
  const time = cell?.querySelector("time[datetime]");
  if (time && !("since" in time.dataset)) return Date.parse(time.dateTime);
  if (time) return (Date.now() - Date.parse(time.dataset.since)) / 1000;
  const text = (cell?.textContent || "").trim();
  if (!text || text === "–") return null;
  if (!cell.matches(".right, .number")) return text.toLowerCase();
  const parts = [...text.replaceAll(",", "").matchAll(/(-?[\d.]+)\s*(h|min|ms|s)?\b/g)];
  if (!parts.length) return text.toLowerCase();
  return parts[0][2] ? parts.reduce((sum, [, number, unit]) => sum + number * (UNITS[unit] ?? 0), 0) : Number(parts[0][1]);
}

function compare(one, other) {
  if (one === null || other === null) return (one === null) - (other === null); // what says nothing is last, either way
  return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), undefined, { numeric: true });
}

function arrange(table) {
  const by = sorted.get(table), body = table.tBodies[0];
  if (!by || !body) return;
  const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[by.column]) }));
  const inOrder = rows.toSorted(({ key: one }, { key: other }) => (one === null || other === null ? compare(one, other) : by.sign * compare(one, other)));
  if (inOrder.some(({ row }, place) => row !== body.rows[place])) body.append(...inOrder.map(({ row }) => row));
}

function choose(table, column) {
  const before = sorted.get(table), isNumber = table.tBodies[0]?.rows[0]?.cells[column]?.matches(".right, .number");
  const first = isNumber ? -1 : 1; // the most comes first, and the beginning of the alphabet
  sorted.set(table, { column, sign: before?.column === column ? -before.sign : first });
  for (const [place, header] of [...table.tHead.rows[0].cells].entries()) {
    if (place !== column) header.removeAttribute("aria-sort");
    else header.setAttribute("aria-sort", sorted.get(table).sign > 0 ? "ascending" : "descending");
  }
  arrange(table);
}

export function sortable(within) {
  for (const table of within.querySelectorAll("table[data-sorts]")) {
    if (!matchMedia(NARROW).matches) {
      for (const [column, header] of [...table.tHead.rows[0].cells].entries()) {
        if (header.querySelector("button, a") || !header.textContent.trim()) continue;
        const button = Object.assign(document.createElement("button"), { type: "button", className: "sorts", textContent: header.textContent });
        button.addEventListener("click", () => choose(table, column));
        header.replaceChildren(button);
      }
    }
    arrange(table);
  }
}

// Whether an updated element may replace the current one: sortable headers stay as they are.
export const mayReplace = (node) => !(node instanceof Element && node.matches("table[data-sorts] > thead"));
