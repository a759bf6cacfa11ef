// Keep the changing part of a page up to date: pushed by the server, else polled every few seconds.
// Each message is the whole part, so a page that slept or lost its server is right again with the next one.
import { mayReplace, sortable } from "./sorting.js";
import { localise } from "./times.js";

const POLL_MS = 5000;
const SILENT_MS = 20000; // a stream says something every five seconds
const AWAY_MS = 3000; // a stream that has ended is begun again within a second

export function follow(part) {
  if (!part) return;
  let source = null, timer = null, heard = Date.now(), begun = heard, away = null, fails = false, streams = false;

  function hear() {
    heard = Date.now();
    fails = false;
  }

  function show(html, version) {
    hear();
    if (version === part.dataset.version) return;
    const standing = () => part.querySelector("[data-standing]")?.dataset.standing, before = standing();
    const template = document.createElement("template");
    template.innerHTML = html;
    localise(template.content);
    // Whatever is focused, open or scrolled stays: only differences are touched.
    Idiomorph.morph(part, template.content.childNodes.length ? [...template.content.childNodes] : "", { morphStyle: "innerHTML", callbacks: { beforeAttributeUpdated: (name) => name !== "open", beforeNodeMorphed: mayReplace } });
    sortable(part);
    part.dataset.version = version;
    htmx.process(part);
    if (standing() !== before) htmx.trigger(document.body, "standing"); // for what is read apart
  }

  async function ask() {
    try {
      const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (answer.redirected) return location.reload(); // to sign in
      if (!answer.ok) return;
      show(await answer.text(), answer.headers.get("X-Part-Version"));
      document.dispatchEvent(new Event("asked"));
      if (streams && timer) listen(); // what stood before the server is back
    } catch { /* the server is away: it is asked again */ }
  }

  function poll() {
    stop();
    timer = setInterval(ask, POLL_MS);
  }

  function stop() {
    source?.close();
    source = away = null;
    clearInterval(timer);
    timer = null;
  }

  function listen() {
    stop();
    begun = Date.now();
    const page = encodeURIComponent(location.pathname + location.search);
    source = new EventSource(`/events?page=${page}&known=${part.dataset.version}`);
    source.addEventListener("part", (event) => show(JSON.parse(event.data), event.lastEventId));
    source.addEventListener("spans", (event) => document.dispatchEvent(new CustomEvent("spans", { detail: JSON.parse(event.data) })));
    source.addEventListener("beat", hear);
    source.addEventListener("fails", () => { fails = true; });
    source.onopen = () => { away = null; streams = true; };
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) { poll(); ask(); } else away ??= Date.now();
    };
  }

  // Say that the page may be out of date until told otherwise; restart a stream that falls silent.
  function check() {
    const now = Date.now(), notice = document.getElementById("stale");
    const isSilent = now - heard > SILENT_MS;
    if (isSilent && source && now - begun > SILENT_MS) listen();
    if (document.hidden || !(isSilent || fails || (away && now - away > AWAY_MS))) return notice?.remove();
    if (notice) return;
    document.body.append(Object.assign(document.createElement("p"), {
      id: "stale", className: "stale", role: "status", textContent: "The server cannot say what is new: this page may be out of date.",
    }));
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return stop();
    heard = Date.now();
    listen();
  });
  document.addEventListener("htmx:pushedIntoHistory", () => { delete part.dataset.version; listen(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { ask(); listen(); } });
  addEventListener("pagehide", stop);
  setInterval(check, 1000);
  listen();
}
