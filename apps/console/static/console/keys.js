// Keys for everything that a pointer does here, except while somebody types.
const GO = { h: "/", r: "/runs/", p: "/repositories/", t: "/teams/", a: "/accounts/", c: "/connect/", s: "/system/" };

export function listenForKeys(document) {
  const help = document.getElementById("keys"), button = document.getElementById("show-keys");
  let after = "";
  if (!help) return;
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());

  function step(by) {
    const rows = [...document.querySelectorAll("[data-row]")];
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))].focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const before = after;
    after = "";
    if (before === "g" && GO[event.key]) location.assign(GO[event.key]);
    else if (event.key === "g") after = "g";
    else if (event.key === "?") help.showModal();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/") { event.preventDefault(); document.querySelector("[data-search]")?.focus(); }
    else document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  });
}
