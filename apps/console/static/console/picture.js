// The picture of a run's spans: bars over time, of which only visible ones are drawn.
import { lasting } from "./axis.js";
import { ERROR, ON_PATH, OPEN } from "./span_table.js";

export const ROW = 22, TOP = 56, OVERVIEW = 18;
const NARROW = 560;
const INKS = { github_answering: "github", database: "database", our_own_work: "work", primary_wait: "limit",
  secondary_wait: "limit", back_off: "limit", lane: "queue", queue: "queue", dead_until_found: "bad",
  unexplained: "bad", open_now: "run" };

export class Picture {
  constructor(scroll, canvas, space) {
    this.scroll = scroll; this.canvas = canvas; this.space = space;
    this.pen = canvas.getContext("2d", { alpha: false });
    this.table = null; this.axis = null; this.shown = []; this.at = -1; this.from = 0; this.to = 1; this.isWhole = true;
    this.brush = null; // the places in the picture between which a stretch is taken
    scroll.addEventListener("scroll", () => this.soon(), { passive: true });
    new ResizeObserver(() => this.resize()).observe(scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (this.table) { this.inks(); this.soon(); } });
  }

  // The waits inside each container span, and which of its time is on the critical path.
  mark() {
    const { order, parents, start, lasts, part, parts, critical, places } = this.table;
    this.waits = new Map(); this.lit = new Map();
    const add = (map, at, one) => { if (map.has(at)) map.get(at).push(one); else map.set(at, [one]); };
    for (const at of order) {
      if (part[at] < 0 || !parts[part[at]].waits) continue;
      for (let one = parents[at]; one >= 0 && parents[one] >= 0; one = parents[one]) {
        if (part[one] < 0) add(this.waits, one, [start[at], start[at] + lasts[at], part[at]]);
      }
    }
    this.path = critical.start.map((begins, at) => [begins, begins + critical.length[at], critical.part[at]]);
    this.path.forEach((one, at) => {
      const place = places.get(critical.id[at]);
      if (place !== undefined) add(this.lit, place, [...one]);
      if (parts[one[2]].waits && order.length) add(this.waits, order[0], [...one]);
    });
    for (const found of [this.path, ...this.waits.values(), ...this.lit.values()]) inOrder(found);
  }

  // Now, or the run's end, in milliseconds since the run began.
  get now() { return this.table.isRunning ? this.table.now + performance.now() - this.table.readAt : this.table.length; }

  end(at) {
    const { start, lasts, flags } = this.table;
    return flags[at] & OPEN ? Math.max(start[at] + lasts[at], this.now) : start[at] + lasts[at];
  }

  inks() {
    const style = getComputedStyle(document.documentElement);
    const ink = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = { card: ink("card"), sunk: ink("sunk"), line: ink("line"), text: ink("text"), quiet: ink("quiet"),
      bad: ink("bad"), bare: ink("off"), focus: ink("focus") };
    this.parts = this.table.parts.map((part) => ink(INKS[part.key] || "off"));
  }

  resize() {
    if (!this.table || !this.scroll.clientWidth) return;
    const ratio = devicePixelRatio || 1;
    this.width = this.scroll.clientWidth; this.height = this.scroll.clientHeight;
    this.left = this.width < NARROW ? this.width * 0.45 : Math.min(420, this.width * 0.35);
    this.canvas.width = this.width * ratio; this.canvas.height = this.height * ratio;
    this.canvas.style.width = `${this.width}px`; this.canvas.style.height = `${this.height}px`;
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.space.style.height = `${Math.max(0, this.shown.length * ROW + TOP - this.height)}px`;
    this.soon();
  }

  soon() {
    if (!this.due) { this.due = true; requestAnimationFrame(() => { this.due = false; this.draw(); }); }
  }

  get room() { return this.width - this.left - 8; }
  x(ms) { return this.left + ((this.axis.place(ms) - this.from) / (this.to - this.from)) * this.room; }
  place(x) { return this.from + ((Math.max(this.left, x) - this.left) / this.room) * (this.to - this.from); }

  draw() {
    const { pen, table, colours, width, height, left } = this;
    if (!table || !width || !this.axis) return;
    pen.fillStyle = colours.card; pen.fillRect(0, 0, width, height);
    pen.font = "12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
    pen.textBaseline = "middle";
    this.head();
    const top = this.scroll.scrollTop, first = Math.floor(top / ROW), last = Math.min(this.shown.length, Math.ceil((top + height) / ROW));
    pen.save(); pen.beginPath(); pen.rect(0, TOP, width, height - TOP); pen.clip();
    for (let place = first; place < last; place++) this.row(place, TOP + place * ROW - top);
    pen.restore();
    if (this.brush) {
      pen.globalAlpha = 0.2; pen.fillStyle = colours.focus;
      pen.fillRect(Math.min(...this.brush), 0, Math.abs(this.brush[0] - this.brush[1]), height);
      pen.globalAlpha = 1;
    }
  }

  row(place, y) {
    const { pen, colours, width, left } = this, at = this.shown[place], middle = y + ROW / 2;
    const flags = this.table.flags[at], part = this.table.part[at], start = this.table.start[at];
    if (place === this.at) { pen.fillStyle = colours.sunk; pen.fillRect(0, y, width, ROW); pen.fillStyle = colours.focus; pen.fillRect(0, y, 3, ROW); }
    pen.save(); pen.beginPath(); pen.rect(0, y, left - 6, ROW); pen.clip();
    pen.fillStyle = flags & ERROR ? colours.bad : colours.text;
    const name = this.table.name[at], begin = 18 + Math.min(this.table.depth[at], 12) * 10;
    if (flags & ON_PATH) pen.fillText("*", begin - 10, middle + 1);
    pen.fillText(name, begin, middle);
    pen.fillStyle = colours.quiet;
    pen.fillText(this.table.detail[at], begin + pen.measureText(name).width + 10, middle);
    pen.restore();
    const isOpen = flags & OPEN, ends = this.end(at);
    const x1 = Math.max(left, this.x(start)), x2 = Math.min(width - 8, this.x(ends));
    if (x2 < left || x1 > width - 8) return;
    const wide = Math.max(2, x2 - x1), thin = part < 0 ? 4 : 10;
    pen.fillStyle = part < 0 ? colours.bare : this.parts[part];
    pen.globalAlpha = isOpen ? 0.55 : 1;
    pen.fillRect(x1, middle - thin / 2, wide, thin);
    pen.globalAlpha = 1;
    const waited = this.stretches(this.waits.get(at), middle - 5, 10);
    if (flags & ERROR) { pen.fillStyle = colours.bad; pen.fillRect(x1, middle + 5, wide, 2); }
    const lit = this.stretches(this.lit.get(at), middle - 8, 2, colours.text);
    const said = lasting(ends - start) + (isOpen ? " so far" : "");
    const after = Math.max(x1 + wide, waited, lit) + 6; // what is in an open span may be known to be later than it is
    pen.fillStyle = colours.quiet;
    if (after + pen.measureText(said).width + 6 < width) pen.fillText(said, after, middle);
  }

  // Draw the visible stretches of [start, end, part], at most one a pixel; return where the last ends.
  stretches(found, y, high, ink) {
    if (!found) return 0;
    const { pen, left, width } = this, until = this.axis.time(this.to);
    let drawn = left - 1;
    for (let at = firstAfter(found, this.axis.time(this.from)); at < found.length && found[at][0] <= until; at++) {
      const x2 = Math.min(width - 8, this.x(found[at][1]));
      if (x2 < drawn + 0.5) continue;
      const x1 = Math.max(left, drawn, this.x(found[at][0]));
      pen.fillStyle = ink || this.parts[found[at][2]];
      pen.fillRect(x1, y, Math.max(1, x2 - x1), high);
      drawn = Math.max(x1 + 1, x2);
    }
    return drawn;
  }

  // The whole run with the current view, its moments, and its critical path.
  head() {
    const { pen, colours, width, left, axis } = this, whole = (place) => left + (place / axis.end) * this.room;
    for (const piece of axis.pieces.filter((one) => one.isIdle)) {
      const x1 = this.x(piece.begins), x2 = this.x(piece.ends);
      if (x2 < left || x1 > width - 8) continue;
      pen.fillStyle = colours.sunk; pen.fillRect(Math.max(left, x1), TOP, Math.min(width - 8, x2) - Math.max(left, x1), this.height);
      pen.fillStyle = colours.quiet; pen.fillText("┊", (x1 + x2) / 2 - 3, OVERVIEW + 10);
    }
    pen.drawImage(this.overview(), left, 4, this.room, 10);
    pen.strokeStyle = colours.focus; pen.lineWidth = 2;
    if (!this.isWhole) pen.strokeRect(whole(this.from), 2, Math.max(3, whole(this.to) - whole(this.from)), 14);
    for (const at of axis.ticks(this.from, this.to, ((this.to - this.from) / this.room) * 90)) {
      const x = Math.round(this.x(at)) + 0.5;
      pen.fillStyle = colours.line; pen.fillRect(x, OVERVIEW + 2, 1, this.height);
      pen.fillStyle = colours.quiet; pen.fillText(lasting(at), x + 4, OVERVIEW + 10);
    }
    pen.fillStyle = colours.quiet; pen.fillText("whole run", 8, 10); pen.fillText("critical path", 8, TOP - 10);
    this.stretches(this.path, TOP - 16, 11);
    pen.fillStyle = colours.line; pen.fillRect(0, TOP - 1, width, 1);
  }

  // The whole run's critical path, repainted only when it changes.
  overview() {
    const is = `${this.room} ${this.table.readAt} ${this.axis.end} ${this.colours.card}`;
    if (this.kept?.is === is) return this.kept.canvas;
    const canvas = document.createElement("canvas"), pen = canvas.getContext("2d"), ratio = devicePixelRatio || 1;
    canvas.width = Math.max(1, this.room * ratio); canvas.height = 10;
    let drawn = 0;
    for (const [start, end, part] of this.path) {
      const x2 = (this.axis.place(end) / this.axis.end) * canvas.width;
      if (x2 < drawn + 0.5) continue;
      const x1 = Math.max(drawn, (this.axis.place(start) / this.axis.end) * canvas.width);
      pen.fillStyle = this.parts[part]; pen.fillRect(x1, 0, Math.max(1, x2 - x1), 10);
      drawn = Math.max(x1 + 1, x2);
    }
    this.kept = { is, canvas };
    return canvas;
  }
}

// Sort stretches by start; the fourth element is the latest end up to and including this one.
function inOrder(found) {
  found.sort((one, other) => one[0] - other[0]);
  let last = -Infinity;
  for (const one of found) one[3] = last = Math.max(last, one[1]);
}

function firstAfter(found, moment) {
  let low = 0, high = found.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (found[middle][3] < moment) low = middle + 1; else high = middle;
  }
  return low;
}
