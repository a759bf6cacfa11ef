// A run's spans as bars over time. Only the rows that are in sight are drawn, so a hundred thousand cost what fifty do.
const ROW = 22, TOP = 34, NARROW = 560, AGAIN_MS = 5000;
const START = 2, LENGTH = 3, PART = 4, FLAGS = 5; // of a row: the place of its name, its depth, these
const ERROR = 1, OPEN = 2;

export class Waterfall {
  constructor(section) {
    const find = (name) => section.querySelector(`[data-${name}]`);
    this.section = section;
    this.scroll = find("scroll"); this.canvas = find("canvas"); this.space = find("space");
    this.chosen = find("chosen"); this.count = find("count"); this.legend = find("legend");
    this.text = find("text"); this.errors = find("errors");
    this.pen = this.canvas.getContext("2d", { alpha: false });
    this.data = null; this.shown = []; this.at = -1; this.from = 0; this.to = 1; this.isWhole = true;
    this.scroll.addEventListener("scroll", () => this.soon(), { passive: true });
    this.scroll.addEventListener("keydown", (event) => this.key(event));
    this.scroll.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.text.addEventListener("input", () => this.sift());
    this.errors.addEventListener("change", () => this.sift());
    for (const button of section.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.zoom({ in: 0.5, out: 2, all: Infinity }[button.dataset.zoom]));
    }
    new ResizeObserver(() => this.resize()).observe(this.scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.inks(); this.soon(); });
  }

  show(data) {
    const isFirst = !this.data;
    this.data = data;
    if (this.isWhole) { this.from = 0; this.to = Math.max(data.length, 1); }
    this.search = data.rows.map((row, at) => `${data.names[row[0]]} ${data.details[at]}`.toLowerCase());
    this.section.hidden = !data.rows.length;
    if (isFirst) this.inks();
    this.sift();
    const used = new Set(data.critical.map((one) => one[2]).concat(data.rows.map((row) => row[PART])));
    this.legend.replaceChildren(...data.parts.filter((_, at) => used.has(at)).map((part) => {
      const item = document.createElement("li"), swatch = document.createElement("span");
      swatch.className = `swatch part-${part.key}`;
      item.append(swatch, part.words);
      return item;
    }));
    this.resize();
  }

  sift() {
    if (!this.data) return;
    const text = this.text.value.trim().toLowerCase(), { rows } = this.data, shown = [];
    for (let at = 0; at < rows.length; at++) {
      if (this.errors.checked && !(rows[at][FLAGS] & ERROR)) continue;
      if (text && !this.search[at].includes(text)) continue;
      shown.push(at);
    }
    const chosen = this.shown[this.at];
    this.shown = shown;
    this.at = shown.indexOf(chosen);
    this.count.textContent = shown.length === rows.length ? `${rows.length.toLocaleString("en")} spans`
      : `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} spans`;
    this.resize();
  }

  inks() {
    const style = getComputedStyle(document.documentElement);
    const ink = (name) => style.getPropertyValue(`--${name}`).trim();
    const of = { github_answering: "github", database: "database", our_own_work: "work", primary_wait: "limit",
      secondary_wait: "limit", back_off: "limit", lane: "queue", queue: "queue", dead_until_found: "bad",
      unexplained: "bad", open_now: "run" };
    this.colours = { card: ink("card"), sunk: ink("sunk"), line: ink("line"), text: ink("text"), quiet: ink("quiet"),
      bad: ink("bad"), bare: ink("off"), focus: ink("focus") };
    this.parts = this.data.parts.map((part) => ink(of[part.key] || "off"));
  }

  resize() {
    if (!this.data || !this.scroll.clientWidth) return;
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

  x(ms) { return this.left + ((ms - this.from) / (this.to - this.from)) * (this.width - this.left - 8); }

  draw() {
    const { pen, data, colours, width, height, left } = this;
    if (!data || !width) return;
    pen.fillStyle = colours.card; pen.fillRect(0, 0, width, height);
    pen.font = "12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
    pen.textBaseline = "middle";
    this.ruler();
    const top = this.scroll.scrollTop, first = Math.floor(top / ROW), last = Math.min(this.shown.length, Math.ceil((top + height) / ROW));
    pen.save(); pen.beginPath(); pen.rect(0, TOP, width, height - TOP); pen.clip();
    for (let place = first; place < last; place++) {
      const at = this.shown[place], row = data.rows[at], y = TOP + place * ROW - top;
      if (place === this.at) { pen.fillStyle = colours.sunk; pen.fillRect(0, y, width, ROW); pen.fillStyle = colours.focus; pen.fillRect(0, y, 3, ROW); }
      pen.save(); pen.beginPath(); pen.rect(0, y, left - 6, ROW); pen.clip();
      pen.fillStyle = row[FLAGS] & ERROR ? colours.bad : colours.text;
      const name = data.names[row[0]], begin = 8 + Math.min(row[1], 12) * 10;
      pen.fillText(name, begin, y + ROW / 2);
      pen.fillStyle = colours.quiet;
      pen.fillText(data.details[at], begin + pen.measureText(name).width + 10, y + ROW / 2);
      pen.restore();
      const x1 = Math.max(left, this.x(row[START])), x2 = Math.min(width - 8, this.x(row[START] + row[LENGTH]));
      if (x2 < left || x1 > width - 8) continue;
      pen.fillStyle = row[PART] < 0 ? colours.bare : this.parts[row[PART]];
      const isOpen = row[FLAGS] & OPEN, wide = Math.max(2, x2 - x1), thin = row[PART] < 0 ? 4 : 10;
      pen.globalAlpha = isOpen ? 0.55 : 1;
      pen.fillRect(x1, y + (ROW - thin) / 2, wide, thin);
      pen.globalAlpha = 1;
      if (row[FLAGS] & ERROR) { pen.fillStyle = colours.bad; pen.fillRect(x1, y + (ROW + thin) / 2, wide, 2); }
      const said = lasting(row[LENGTH]) + (isOpen ? " so far" : "");
      pen.fillStyle = colours.quiet;
      if (x2 + pen.measureText(said).width + 12 < width) pen.fillText(said, x2 + 6, y + ROW / 2);
    }
    pen.restore();
  }

  ruler() {
    const { pen, colours, width, left } = this, span = this.to - this.from;
    const rough = (span / (width - left)) * 90, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough);
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      const x = Math.round(this.x(at)) + 0.5;
      pen.fillStyle = colours.line; pen.fillRect(x, TOP - 16, 1, this.height);
      pen.fillStyle = colours.quiet; pen.fillText(lasting(at), x + 4, 9);
    }
    // The critical path: what the run was at, or waited for, at each moment.
    pen.fillStyle = colours.quiet; pen.fillText("critical path", 8, TOP - 9);
    for (const [start, length, part] of this.data.critical) {
      const x1 = Math.max(left, this.x(start)), x2 = Math.min(width - 8, this.x(start + length));
      if (x2 <= x1) continue;
      pen.fillStyle = this.parts[part]; pen.fillRect(x1, TOP - 15, Math.max(1, x2 - x1), 11);
    }
    pen.fillStyle = colours.line; pen.fillRect(0, TOP - 1, width, 1);
  }

  choose(place) {
    if (!this.shown.length) return;
    this.at = Math.min(this.shown.length - 1, Math.max(0, place));
    const y = this.at * ROW;
    if (y < this.scroll.scrollTop) this.scroll.scrollTop = y;
    const bottom = y + ROW + TOP - this.height;
    if (bottom > this.scroll.scrollTop) this.scroll.scrollTop = bottom;
    const at = this.shown[this.at], row = this.data.rows[at];
    const part = row[PART] < 0 ? "" : `, ${this.data.parts[row[PART]].words}`;
    this.chosen.textContent = `${this.data.names[row[0]]} ${this.data.details[at]}: from ${lasting(row[START])}, for ${lasting(row[LENGTH])}${row[FLAGS] & OPEN ? " so far" : ""}${part}`;
    this.soon();
  }

  zoom(by, around = (this.from + this.to) / 2) {
    const all = Math.max(this.data.length, 1), span = Math.min(all, Math.max(0.05, (this.to - this.from) * by));
    const share = (around - this.from) / (this.to - this.from);
    this.from = Math.min(all - span, Math.max(0, around - span * share));
    this.to = this.from + span;
    this.isWhole = span >= all;
    this.soon();
  }

  move(by) {
    const span = this.to - this.from, all = Math.max(this.data.length, 1);
    this.from = Math.min(all - span, Math.max(0, this.from + by * span));
    this.to = this.from + span;
    this.soon();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((this.height - TOP) / ROW) - 1);
    const keys = { ArrowDown: () => this.choose(this.at + 1), ArrowUp: () => this.choose(this.at - 1),
      PageDown: () => this.choose(this.at + page), PageUp: () => this.choose(this.at - page),
      Home: () => this.choose(0), End: () => this.choose(this.shown.length - 1),
      ArrowLeft: () => this.move(-0.2), ArrowRight: () => this.move(0.2),
      "+": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.zoom(Infinity),
      e: () => { this.errors.checked = !this.errors.checked; this.sift(); } };
    if (!keys[event.key]) return;
    event.preventDefault(); event.stopPropagation();
    keys[event.key]();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const x = event.clientX - this.canvas.getBoundingClientRect().left;
    this.zoom(event.deltaY < 0 ? 0.8 : 1.25, this.time(x));
  }

  time(x) { return this.from + ((x - this.left) / (this.width - this.left - 8)) * (this.to - this.from); }

  // A press chooses a row; along the ruler it takes a stretch of time to look at.
  press(event) {
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    if (y > TOP) return this.choose(Math.floor((y - TOP + this.scroll.scrollTop) / ROW));
    const begin = this.time(Math.max(this.left, x));
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.addEventListener("pointerup", (up) => {
      const end = this.time(Math.max(this.left, up.clientX - box.left));
      if (Math.abs(end - begin) < (this.to - this.from) / 200) return;
      this.from = Math.max(0, Math.min(begin, end)); this.to = Math.min(Math.max(this.data.length, 1), Math.max(begin, end));
      this.isWhole = false;
      this.soon();
    }, { once: true });
  }
}

function lasting(ms) {
  if (ms < 1000) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 120000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000), hours = Math.floor(seconds / 3600), minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

export async function begin(section) {
  const waterfall = new Waterfall(section), kept = document.getElementById("spans");
  if (kept) { // a saved file
    waterfall.show(JSON.parse(kept.textContent));
    return waterfall;
  }
  async function read() {
    try {
      const answer = await fetch(section.dataset.waterfall);
      if (answer.redirected || !answer.ok) return;
      const data = await answer.json();
      waterfall.show(data);
      if (data.is_running) setTimeout(again, AGAIN_MS);
    } catch { setTimeout(again, AGAIN_MS); }
  }
  const again = () => (document.hidden ? setTimeout(again, AGAIN_MS) : read());
  await read();
  return waterfall;
}

const section = document.querySelector("[data-waterfall]");
if (section) section.waterfall = await begin(section);
