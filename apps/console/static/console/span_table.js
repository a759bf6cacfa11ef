// The spans of a run as columns, in the order they came, and as a tree. A message may hold any of them, in any order, and again.
export const ERROR = 1, OPEN = 2, ON_PATH = 4;

export class SpanTable {
  constructor() {
    this.size = 0; this.isWhole = false; this.root = ""; this.attempt = ""; this.parts = [];
    this.isRunning = true; this.now = 0; this.length = 0; this.readAt = performance.now();
    this.id = []; this.name = []; this.detail = []; this.start = []; this.lasts = []; this.part = []; this.flags = [];
    this.repository = []; this.above = []; this.depth = [];
    this.places = new Map(); // of each id
    this.order = []; // of the tree: places, parents first
    this.idle = []; this.critical = { start: [], length: [], part: [], id: [] };
  }

  // Apply a message; return whether it changes anything.
  take({ head, spans, time, whole }) {
    if (head) Object.assign(this, { root: head.root, attempt: head.attempt, parts: head.parts });
    if (head || time) this.takeTime(head || time);
    if (spans) this.takeSpans(spans);
    if (whole) this.isWhole = true;
    return Boolean(head || time || whole || spans?.id.length);
  }

  takeTime({ is_running, now, length, idle, critical }) {
    if (now < this.now) return; // it was asked for before what is known
    Object.assign(this, { isRunning: is_running, now, readAt: performance.now() });
    this.length = critical ? length : Math.max(this.length, length);
    if (critical) Object.assign(this, { idle, critical });
  }

  takeSpans({ names, details, parents, id, name, detail, parent, start, length, part, flags, repository }) {
    for (let at = 0; at < id.length; at++) {
      let place = this.places.get(id[at]);
      if (place === undefined) this.places.set(id[at], place = this.size++);
      else if (flags[at] & OPEN && !(this.flags[place] & OPEN)) continue; // what has ended does not begin again
      this.id[place] = id[at]; this.name[place] = names[name[at]]; this.detail[place] = details[detail[at]];
      this.start[place] = start[at]; this.lasts[place] = length[at]; this.part[place] = part[at]; this.flags[place] = flags[at];
      this.repository[place] = repository[at]; this.above[place] = parent[at] < 0 ? "" : parents[parent[at]];
    }
  }

  // The index of a span's parent, or -1 if it is missing.
  parent(place) { return this.above[place] === "" ? -1 : this.places.get(this.above[place]) ?? -1; }

  // Put the spans in the order of the tree, those of one parent by their start, and mark the critical path. While not all
  // of them have arrived, spans whose parent has not are left out.
  arrange() {
    const { size, above, root, isWhole } = this, first = new Int32Array(size).fill(-1), next = new Int32Array(size).fill(-1);
    const last = new Int32Array(size).fill(-1), parents = this.parents = new Int32Array(size), tops = [];
    for (let place = 0; place < size; place++) {
      const parent = parents[place] = this.parent(place);
      if (parent < 0) {
        if (isWhole || above[place] === "" || above[place] === root) tops.push(place);
      } else if (first[parent] < 0) first[parent] = last[parent] = place;
      else last[parent] = next[last[parent]] = place;
    }
    const earlier = (one, other) => this.start[one] - this.start[other] || this.lasts[one] - this.lasts[other];
    const order = [], depth = this.depth = new Uint16Array(size), waiting = tops.sort(earlier).reverse();
    while (waiting.length) {
      const place = waiting.pop(), below = [];
      order.push(place);
      for (let child = first[place]; child >= 0; child = next[child]) { depth[child] = depth[place] + 1; below.push(child); }
      if (below.length > 1) below.sort(earlier);
      for (let at = below.length - 1; at >= 0; at--) waiting.push(below[at]);
    }
    this.order = order;
    for (let place = 0; place < size; place++) this.flags[place] &= ~ON_PATH;
    for (const id of this.critical.id) {
      for (let place = this.places.get(id) ?? -1; place >= 0 && !(this.flags[place] & ON_PATH); place = parents[place]) this.flags[place] |= ON_PATH;
    }
  }
}
