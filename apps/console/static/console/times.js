// Show moments in the reader's zone (the server's UTC stays as the title), and keep durations counting.
const pad = (number) => String(number).padStart(2, "0");

export function written(date, shows) {
  const minute = `${pad(date.getHours())}:${pad(date.getMinutes())}`, second = `${minute}:${pad(date.getSeconds())}`;
  if (shows === "clock") return second; // within a sentence
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${shows === "second" ? second : minute}`;
}

export function lasting(seconds) {
  if (seconds < 59.95) return `${Math.max(0, Math.floor(seconds))} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours} h ${pad(minutes)} min` : `${minutes} min ${pad(whole % 60)} s`;
}

export function localise(within) {
  for (const time of within.querySelectorAll("time[datetime]:not([data-since])")) {
    time.textContent = written(new Date(time.dateTime), time.dataset.shows);
  }
  for (const time of within.querySelectorAll("time[data-since]")) {
    time.textContent = lasting((Date.now() - new Date(time.dataset.since)) / 1000);
  }
}

export function tick() {
  const zone = document.getElementById("zone");
  if (zone) zone.textContent = `yours, ${Intl.DateTimeFormat().resolvedOptions().timeZone || "of this machine"}; UTC where you point at one`;
  setInterval(() => {
    if (document.hidden) return;
    for (const time of document.querySelectorAll("time[data-since]")) {
      time.textContent = lasting((Date.now() - new Date(time.dataset.since)) / 1000);
    }
  }, 1000);
}
