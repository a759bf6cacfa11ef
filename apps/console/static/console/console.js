// The console's behaviour, not needed to read a page: times in the reader's zone, live updates, sorting, keys.
import { localise, tick } from "./times.js";
import { follow } from "./live.js";
import { listenForKeys } from "./keys.js";
import { sortable } from "./sorting.js";

localise(document);
sortable(document);
tick();
document.addEventListener("htmx:beforeSwap", (event) => {
  // An ended session answers with the sign-in page: go there instead of showing it inside this one.
  if (event.detail.xhr.responseURL && new URL(event.detail.xhr.responseURL).pathname !== event.detail.pathInfo.finalRequestPath.split("?")[0]) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
document.addEventListener("htmx:afterSwap", (event) => { localise(event.target); sortable(event.target); });
follow(document.querySelector("[data-live]"));
listenForKeys(document);
