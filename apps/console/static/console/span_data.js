// Where the spans of a run come from: the server, again within a second of a change unless many look, or the saved file that this is in.
const AGAIN_MS = 700, AWAY_MS = 5000;
const SHARE = 3; // whoever has a large run looks less often: reading may take a quarter of the time
const AFTERWARDS = 6; // looks at a run that has ended: its last spans come a little later

// Make a waterfall by `make`, which gets what loads a span's details, and keep it as the run is.
export async function begin(section, make) {
  const kept = document.getElementById("spans");
  if (kept) {
    const details = JSON.parse(document.getElementById("details").textContent);
    const waterfall = make(async (id) => details[id] || null);
    waterfall.show(JSON.parse(kept.textContent));
    return waterfall;
  }
  const address = section.dataset.waterfall, waterfall = make(async (id) => {
    const answer = await fetch(`${address.slice(0, -5)}/${id}.json`, { cache: "no-store" });
    return answer.ok && !answer.redirected ? answer.json() : null;
  });
  let version = "", left = 0;

  async function look() {
    const began = performance.now();
    let wait = AWAY_MS;
    try {
      const answer = await fetch(address, { cache: "no-store", headers: version ? { "If-None-Match": version } : {} });
      if (answer.redirected || (!answer.ok && answer.status !== 304)) return;
      if (answer.ok) {
        version = answer.headers.get("ETag");
        const data = await answer.json();
        waterfall.show(data);
        if (data.is_running) left = AFTERWARDS;
      }
      wait = Math.max(AGAIN_MS, SHARE * (performance.now() - began), Number(answer.headers.get("X-Again-Ms"))); // its turn among all pages
      if (!waterfall.data.is_running && --left < 0) return;
    } catch { /* the server is away: it is asked again */ }
    setTimeout(again, wait);
  }

  const again = () => (document.hidden ? setTimeout(again, AWAY_MS) : look());
  await look();
  return waterfall;
}
