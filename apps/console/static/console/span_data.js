// The source of a run's spans: the server, first all and then news, or the saved file that this is in.
const AWAY_MS = 5000; // a server that is away is asked again after that
const STREAM_MS = 1000; // so long the spans of a run that goes on wait for its stream, behind which nothing is missed

// Make a waterfall with `make`, which receives a loader of span details, and keep it up to date.
export function begin(section, make) {
  const kept = document.getElementById("spans");
  if (kept) {
    const details = JSON.parse(document.getElementById("details").textContent);
    const waterfall = make(async (id) => details[id] || null);
    for (const message of JSON.parse(kept.textContent)) waterfall.take(message);
    return waterfall;
  }
  const waterfall = make(async (id) => {
    const answer = await fetch(section.dataset.span.replace("SPAN", id), { cache: "no-store" });
    return answer.ok && !answer.redirected ? answer.json() : null;
  });
  let version = "", isLoading = false, isWanted = false, timer = null;

  // Ask for all spans unless they are unchanged, and again if that was requested meanwhile.
  async function load() {
    clearTimeout(timer);
    if (isLoading) { isWanted = true; return; }
    isLoading = true; isWanted = false;
    try {
      const answer = await fetch(section.dataset.waterfall, { cache: "no-store", headers: version ? { "If-None-Match": version } : {} });
      if (answer.ok && !answer.redirected) {
        await each(answer.body, (message) => waterfall.take(message));
        version = answer.headers.get("ETag");
      }
    } catch {
      timer = setTimeout(load, AWAY_MS); // the server is away, or went
    }
    isLoading = false;
    if (isWanted) timer = setTimeout(load, AWAY_MS);
  }

  document.addEventListener("spans", ({ detail }) => {
    if (detail.begun) load();
    else if (detail.again) { if (isLoading) isWanted = true; else { clearTimeout(timer); timer = setTimeout(load, AWAY_MS); } }
    else waterfall.take(detail);
  });
  document.addEventListener("asked", load); // where there is no stream
  if ("goesOn" in section.dataset) timer = setTimeout(load, STREAM_MS);
  else load();
  return waterfall;
}

// Call `take` with each message of a body, which is a line, as it comes.
async function each(body, take) {
  let rest = "";
  for (const reader = body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) take(JSON.parse(line));
  }
}
