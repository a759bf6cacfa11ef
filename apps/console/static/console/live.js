// Keep the part of a page that changes as the server has it: pushed as it changes, else asked for every few seconds.
// What comes is always the whole part, so a page that slept or lost its server is right again with the next one.
import { localise } from "./times.js";

const POLL_MS = 5000;
const SILENT_MS = 45000;

export function follow(part) {
  if (!part) return;
  let source = null, timer = null, heard = Date.now();

  function show(html, version) {
    if (version === part.dataset.version) return;
    const template = document.createElement("template");
    template.innerHTML = html;
    localise(template.content);
    // Whatever is focused, open or scrolled stays: only what differs is touched.
    Idiomorph.morph(part, template.content.childNodes.length ? [...template.content.childNodes] : "", { morphStyle: "innerHTML", callbacks: { beforeAttributeUpdated: (name) => name !== "open" } });
    part.dataset.version = version;
    htmx.process(part);
  }

  async function ask() {
    try {
      const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (answer.redirected) return location.reload(); // to sign in
      if (answer.ok) { heard = Date.now(); show(await answer.text(), answer.headers.get("X-Part-Version")); }
    } catch { /* the server is away: it is asked again */ }
  }

  function poll() {
    stop();
    timer = setInterval(ask, POLL_MS);
  }

  function stop() {
    source?.close();
    source = null;
    clearInterval(timer);
    timer = null;
  }

  function listen() {
    stop();
    const page = encodeURIComponent(location.pathname + location.search);
    source = new EventSource(`/events?page=${page}&known=${part.dataset.version}`);
    source.addEventListener("part", (event) => { heard = Date.now(); show(JSON.parse(event.data), event.lastEventId); });
    source.addEventListener("beat", () => { heard = Date.now(); });
    source.onerror = () => { if (source?.readyState === EventSource.CLOSED) { ask(); poll(); } };
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
  document.addEventListener("htmx:pushedIntoHistory", () => { delete part.dataset.version; listen(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { ask(); listen(); } });
  addEventListener("pagehide", stop);
  setInterval(() => {
    let notice = document.getElementById("stale");
    if (Date.now() - heard < SILENT_MS || document.hidden) return notice?.remove();
    if (notice) return;
    notice = document.createElement("p");
    notice.id = "stale";
    notice.className = "stale";
    notice.setAttribute("role", "status");
    notice.textContent = "The server does not answer: this page may be out of date.";
    document.body.append(notice);
  }, 1000);
  listen();
}
