// Browse a run's spans: which are shown, which is chosen, and how much of the time axis.
import { Axis, lasting } from "./axis.js";
import { OVERVIEW, Picture, ROW, TOP } from "./picture.js";
import { begin } from "./span_data.js";
import { SpanPanel } from "./span_panel.js";
import { ERROR, OPEN, SpanTable } from "./span_table.js";

const MOST_ATTEMPTS = 12;
const SHARE = 4; // while many spans come, arranging them takes a fifth of the time

export class Waterfall extends Picture {
  // `load` returns a span's details by id.
  constructor(section, load) {
    const find = (name) => section.querySelector(`[data-${name}]`);
    super(find("scroll"), find("canvas"), find("space"));
    this.section = section; this.id = null; this.arrangesAt = 0; this.timer = null;
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
    setInterval(() => { if (this.table?.isRunning && !document.hidden) this.scale(); }, 1000); // what is open goes on
  }

  // Apply a message about spans or the run; show it at once, or soon if that takes long.
  take(message) {
    const table = this.table || new SpanTable();
    if (!table.take(message)) return;
    this.table = table;
    this.timer ??= setTimeout(() => this.arrange(), Math.max(0, this.arrangesAt - performance.now()));
  }

  arrange() {
    const began = performance.now(), { table } = this;
    clearTimeout(this.timer);
    this.timer = null;
    if (!table.parts.length) return; // the head is still to come
    table.arrange();
    this.section.hidden = !table.size;
    this.idle.closest("label").hidden = !table.idle.length;
    this.mark();
    if (!this.colours) this.inks();
    this.scale();
    this.sift();
    this.name();
    if (!this.isFollowed && location.hash.startsWith("#span-")) this.follow();
    else if (this.id !== null && table.places.has(this.id)) this.tell();
    this.arrangesAt = performance.now() + SHARE * (performance.now() - began);
  }

  // Name the colours that are used.
  name() {
    const used = new Set(this.table.critical.part);
    for (const part of this.table.part) used.add(part);
    const names = this.table.parts.filter((_, at) => used.has(at)), is = names.map((part) => part.key).join();
    if (this.named === is) return;
    this.named = is;
    this.legend.replaceChildren(...names.map((part) => {
      const item = document.createElement("li"), swatch = document.createElement("span");
      swatch.className = `swatch part-${part.key}`;
      item.append(swatch, part.words);
      return item;
    }), Object.assign(document.createElement("li"), { textContent: "* on the critical path" }));
  }

  scale() {
    if (!this.table || !this.colours) return; // nothing is arranged yet
    const length = this.table.isRunning ? Math.max(this.table.length, this.now) : this.table.length;
    this.axis = new Axis(Math.max(length, 1), this.idle.checked ? this.table.idle : []);
    if (this.isWhole) { this.from = 0; this.to = this.axis.end; }
    this.soon();
  }

  sift() {
    if (!this.table) return;
    const text = this.text.value.trim().toLowerCase(), { order, flags, name, detail, size, isWhole } = this.table;
    const has = (at) => `${name[at]} ${detail[at]}`.toLowerCase().includes(text);
    this.shown = !text && !this.errors.checked ? order : order.filter((at) => (!this.errors.checked || flags[at] & ERROR) && (!text || has(at)));
    this.at = this.id === null ? -1 : this.shown.indexOf(this.table.places.get(this.id));
    const all = `${size.toLocaleString("en")} span${size === 1 ? "" : "s"}${isWhole ? "" : " so far"}`;
    this.count.textContent = this.shown === order ? all : `${this.shown.length.toLocaleString("en")} of ${all}`;
    this.resize();
  }

  choose(place) {
    if (!this.shown.length) return;
    this.isFollowed = true;
    this.at = Math.min(this.shown.length - 1, Math.max(0, place));
    const y = this.at * ROW, bottom = y + ROW + TOP - this.height;
    if (y < this.scroll.scrollTop) this.scroll.scrollTop = y;
    if (bottom > this.scroll.scrollTop) this.scroll.scrollTop = bottom;
    this.id = this.table.id[this.shown[this.at]];
    this.tell();
    this.soon();
  }

  // Choose the span that the address names, even if it is filtered out.
  follow() {
    const place = location.hash.startsWith("#span-") ? this.table?.places.get(location.hash.slice(6)) : undefined;
    if (place === undefined || !this.table.order.includes(place)) return;
    if (!this.shown.includes(place)) { this.text.value = ""; this.errors.checked = false; this.sift(); }
    this.section.scrollIntoView({ block: "start" });
    this.choose(this.shown.indexOf(place));
  }

  // Describe the chosen span in words and in the panel.
  tell() {
    const { name, detail, start, flags, part, parts, repository, attempt, id, order, places, parents } = this.table;
    const at = places.get(this.id), above = parents[at], words = part[at] < 0 ? "" : `, ${parts[part[at]].words}`;
    const about = `from ${lasting(start[at])}, for ${lasting(this.end(at) - start[at])}${flags[at] & OPEN ? " so far" : ""}${words}`;
    const said = `${name[at]} ${detail[at]}: ${about}`;
    const links = above < 0 ? [] : [[`in ${name[above]}`, id[above]]];
    if (repository[at] !== -1) {
      const tries = order.filter((one) => name[one] === attempt && repository[one] === repository[at]);
      const others = tries.map((place, number) => [`attempt ${number + 1}`, place]).filter(([, place]) => place !== at && place !== above);
      links.push(...others.slice(0, MOST_ATTEMPTS).map(([words, place]) => [words, id[place]]));
    }
    const is = `${this.id} ${said} ${links.length}`;
    if (this.told === is) return;
    this.told = is; this.chosen.textContent = said;
    this.panel.show({ id: this.id, name: name[at], about: `${detail[at]} ${about}`.trim(), places: links });
  }

  zoom(by, around = (this.from + this.to) / 2) {
    const span = Math.min(this.axis.end, Math.max(0.05, (this.to - this.from) * by));
    const share = (around - this.from) / (this.to - this.from);
    this.look(around - span * share, span);
  }

  // Show this much of the axis from a place on, or as close to that as possible.
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

  // A press chooses a row; on the axis, or on the whole run, it selects a stretch of time to show.
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
if (section) section.waterfall = begin(section, (load) => new Waterfall(section, load));
