// A run's spans to look through: which are shown, which is chosen, and how much of the time.
import { Axis, lasting } from "./axis.js";
import { ERROR, FLAGS, LENGTH, NAME, OPEN, OVERVIEW, PART, Picture, REPOSITORY, ROW, START, TOP } from "./picture.js";
import { begin } from "./span_data.js";
import { SpanPanel } from "./span_panel.js";

const MOST_ATTEMPTS = 12;

export class Waterfall extends Picture {
  // `load` returns what is known of a span by its id.
  constructor(section, load) {
    const find = (name) => section.querySelector(`[data-${name}]`);
    super(find("scroll"), find("canvas"), find("space"));
    this.section = section; this.id = null;
    this.chosen = find("chosen"); this.count = find("count"); this.legend = find("legend");
    this.text = find("text"); this.errors = find("errors"); this.idle = find("idle");
    this.panel = new SpanPanel(find("panel"), load);
    this.scroll.addEventListener("keydown", (event) => this.key(event));
    this.scroll.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.text.addEventListener("input", () => this.sift());
    this.errors.addEventListener("change", () => this.sift());
    this.idle.addEventListener("change", () => { this.zoom(Infinity); this.scale(); });
    addEventListener("hashchange", () => this.follow());
    for (const button of section.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.zoom({ in: 0.5, out: 2, all: Infinity }[button.dataset.zoom]));
    }
    setInterval(() => { if (this.data?.is_running && !document.hidden) this.scale(); }, 1000); // what is open goes on
  }

  show(data) {
    const isFirst = !this.data;
    this.data = data;
    this.readAt = performance.now();
    this.search = data.rows.map((row, at) => `${data.names[row[NAME]]} ${data.details[at]}`.toLowerCase());
    this.places = new Map(data.ids.map((id, at) => [id, at]));
    this.section.hidden = !data.rows.length;
    this.idle.closest("label").hidden = !data.idle.length;
    this.mark();
    if (isFirst) this.inks();
    this.scale();
    this.sift();
    const used = new Set(data.critical.map((one) => one[2]).concat(data.rows.map((row) => row[PART])));
    this.legend.replaceChildren(...data.parts.filter((_, at) => used.has(at)).map((part) => {
      const item = document.createElement("li"), swatch = document.createElement("span");
      swatch.className = `swatch part-${part.key}`;
      item.append(swatch, part.words);
      return item;
    }), Object.assign(document.createElement("li"), { textContent: "* on the critical path" }));
    if (isFirst) this.follow();
    else if (this.id !== null && this.places.has(this.id)) this.tell();
  }

  scale() {
    if (!this.data) return;
    const length = this.data.is_running ? Math.max(this.data.length, this.now) : this.data.length;
    this.axis = new Axis(Math.max(length, 1), this.idle.checked ? this.data.idle : []);
    if (this.isWhole) { this.from = 0; this.to = this.axis.end; }
    this.soon();
  }

  sift() {
    if (!this.data) return;
    const text = this.text.value.trim().toLowerCase(), { rows } = this.data, shown = [];
    for (let at = 0; at < rows.length; at++) {
      if (this.errors.checked && !(rows[at][FLAGS] & ERROR)) continue;
      if (text && !this.search[at].includes(text)) continue;
      shown.push(at);
    }
    this.shown = shown;
    this.at = this.id === null ? -1 : shown.indexOf(this.places.get(this.id));
    const all = `${rows.length.toLocaleString("en")} span${rows.length === 1 ? "" : "s"}`;
    this.count.textContent = shown.length === rows.length ? all : `${shown.length.toLocaleString("en")} of ${all}`;
    this.resize();
  }

  choose(place) {
    if (!this.shown.length) return;
    this.at = Math.min(this.shown.length - 1, Math.max(0, place));
    const y = this.at * ROW, bottom = y + ROW + TOP - this.height;
    if (y < this.scroll.scrollTop) this.scroll.scrollTop = y;
    if (bottom > this.scroll.scrollTop) this.scroll.scrollTop = bottom;
    this.id = this.data.ids[this.shown[this.at]];
    this.tell();
    this.soon();
  }

  // Choose the span that the address names, whatever is sifted out.
  follow() {
    const id = location.hash.startsWith("#span-") ? location.hash.slice(6) : null;
    if (id === null || !this.places?.has(id)) return;
    if (!this.shown.includes(this.places.get(id))) { this.text.value = ""; this.errors.checked = false; this.sift(); }
    this.section.scrollIntoView({ block: "start" });
    this.choose(this.shown.indexOf(this.places.get(id)));
  }

  // Say in words, and in the panel, what is chosen.
  tell() {
    const { rows, names, details, parts, ids, attempt } = this.data, at = this.places.get(this.id), row = rows[at];
    const part = row[PART] < 0 ? "" : `, ${parts[row[PART]].words}`, name = names[row[NAME]];
    const about = `from ${lasting(row[START])}, for ${lasting(this.end(row) - row[START])}${row[FLAGS] & OPEN ? " so far" : ""}${part}`;
    this.chosen.textContent = `${name} ${details[at]}: ${about}`;
    const above = this.above(at), places = above < 0 ? [] : [[`in ${names[rows[above][NAME]]}`, ids[above]]];
    if (row[REPOSITORY] >= 0) {
      const tries = rows.flatMap((one, place) => (one[NAME] === attempt && one[REPOSITORY] === row[REPOSITORY] ? [place] : []));
      const others = tries.map((place, number) => [`attempt ${number + 1}`, place]).filter(([, place]) => place !== at && place !== above);
      places.push(...others.slice(0, MOST_ATTEMPTS).map(([words, place]) => [words, ids[place]]));
    }
    this.panel.show({ id: this.id, name, about: `${details[at]} ${about}`.trim(), places });
  }

  above(at) {
    const { rows } = this.data;
    for (let place = at - 1; place >= 0; place--) if (rows[place][1] < rows[at][1]) return place;
    return -1;
  }

  zoom(by, around = (this.from + this.to) / 2) {
    const span = Math.min(this.axis.end, Math.max(0.05, (this.to - this.from) * by));
    const share = (around - this.from) / (this.to - this.from);
    this.look(around - span * share, span);
  }

  // Look at so much of the axis from a place on, or as near to that as there is.
  look(from, span) {
    this.isWhole = span >= this.axis.end;
    this.from = Math.min(this.axis.end - span, Math.max(0, from));
    this.to = this.from + span;
    this.soon();
  }

  move(by) { this.look(this.from + by * (this.to - this.from), this.to - this.from); }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((this.height - TOP) / ROW) - 1);
    const keys = { ArrowDown: () => this.choose(this.at + 1), ArrowUp: () => this.choose(this.at - 1),
      PageDown: () => this.choose(this.at + page), PageUp: () => this.choose(this.at - page),
      Home: () => this.choose(0), End: () => this.choose(this.shown.length - 1),
      ArrowLeft: () => this.move(-0.2), ArrowRight: () => this.move(0.2),
      "+": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.zoom(Infinity),
      i: () => this.idle.click(),
      e: () => { this.errors.checked = !this.errors.checked; this.sift(); } };
    if (!keys[event.key]) return;
    event.preventDefault(); event.stopPropagation();
    keys[event.key]();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 0.8 : 1.25, this.place(event.clientX - this.canvas.getBoundingClientRect().left));
  }

  // A press chooses a row; along the moments, or over the whole run, it takes a stretch of time to look at.
  press(event) {
    const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    if (y > TOP) return this.choose(Math.floor((y - TOP + this.scroll.scrollTop) / ROW));
    const place = y < OVERVIEW ? (at) => ((Math.max(this.left, at) - this.left) / this.room) * this.axis.end : (at) => this.place(at);
    const move = (moved) => { this.brush = [Math.max(this.left, x), Math.max(this.left, moved.clientX - box.left)]; this.soon(); };
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.addEventListener("pointermove", move);
    this.canvas.addEventListener("pointerup", (up) => {
      this.canvas.removeEventListener("pointermove", move);
      this.brush = null;
      const [from, to] = [place(x), place(up.clientX - box.left)].sort((one, other) => one - other);
      if (Math.abs(up.clientX - box.left - x) > 4) this.look(from, to - from);
      else if (y < OVERVIEW) this.look(from - (this.to - this.from) / 2, this.to - this.from);
      this.soon();
    }, { once: true });
  }
}

const section = document.querySelector("[data-waterfall]");
if (section) section.waterfall = await begin(section, (load) => new Waterfall(section, load));
