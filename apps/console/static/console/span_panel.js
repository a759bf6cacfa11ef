// Details of the chosen span: its links, its attributes, its events, and its lines.
// Everything here is text: an attribute or a line may hold whatever somebody else wrote.

function made(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function link(words, address) {
  const found = made("a", words);
  found.href = address;
  return found;
}

function facts(fields) {
  const list = made("dl", undefined, "facts tight");
  for (const [name, value] of fields) list.append(made("dt", name, "mono"), made("dd", value, "mono"));
  return list;
}

function folded(words, content) {
  const found = made("details");
  found.append(made("summary", words, "small"), content);
  return found;
}

function line(one) {
  const item = made("li"), head = made("p", undefined, "line small");
  const moment = made("span", one.timestamp.slice(11, 23), "mono quiet");
  moment.title = one.timestamp;
  head.append(moment, made("span", one.level, one.level === "error" ? "bad-text" : "quiet"), made("strong", one.event));
  item.append(head);
  if (one.fields.length) item.append(made("p", one.fields.map(([name, value]) => `${name}=${value}`).join("  "), "mono quiet"));
  if (one.exception) item.append(folded("Traceback", made("pre", one.exception)));
  return item;
}

export class SpanPanel {
  // `load` returns a span's details by id, or null if there are none.
  constructor(element, load) {
    this.element = element; this.load = load; this.id = null; this.timer = null;
  }

  close() {
    this.id = null;
    this.element.hidden = true;
  }

  // Show a span, of which the picture knows `name`, `about` and the `places` that belong to it: its words and ids.
  show({ id, name, about, places }) {
    const isAnother = id !== this.id;
    this.id = id;
    this.element.hidden = false;
    const head = made("div", undefined, "head");
    head.append(made("h3", name, "long"), link("Link to it", `#span-${id}`));
    const links = made("ul", undefined, "line");
    for (const [words, other] of places) this.lead(links, link(words, `#span-${other}`));
    this.rest = isAnother || !this.rest ? made("div", "…", "quiet small") : this.rest;
    this.links = links;
    this.element.replaceChildren(head, made("p", about, "small"), links, this.rest);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fill(id), isAnother ? 120 : 0); // whoever walks through rows asks for none of them
  }

  async fill(id) {
    let known = null;
    try { known = await this.load(id); } catch { /* the server is away: what the picture says stays */ }
    if (id !== this.id) return;
    const rest = made("div", undefined, "stacked");
    if (!known) rest.append(made("p", "Nothing more is known of it here.", "quiet small"));
    else {
      for (const each of known.links) this.lead(this.links, link(each.words, each.span ? `#span-${each.span}` : each.address));
      if (!known.is_found) rest.append(made("p", "Its attributes cannot be read any more.", "quiet small"));
      if (known.attributes.length) rest.append(made("h4", "Attributes"), facts(known.attributes));
      for (const event of known.events) rest.append(made("h4", event.name), facts(event.fields));
      rest.append(made("h4", known.lines.length ? "Lines" : "No line was written in it."));
      const lines = made("ol", undefined, "lines");
      lines.append(...known.lines.map(line));
      if (known.lines_left_out) lines.append(made("li", `… and ${known.lines_left_out.toLocaleString("en")} more`, "quiet small"));
      rest.append(lines);
    }
    this.rest.replaceWith(rest);
    this.rest = rest;
  }

  lead(links, anchor) {
    const item = made("li");
    item.append(anchor);
    links.append(item);
  }
}
