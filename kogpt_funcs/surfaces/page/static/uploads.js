// A file that is too large is told before it is sent.

import { say } from "./words.js";

function refuse(event) {
  const panel = event.target.closest?.(".kogpt-many");
  const about = panel?.querySelector("[data-most-bytes]");
  const [file] = (event.dataTransfer ?? event.target).files ?? [];
  if (!about || !file) return;
  panel.querySelector(".kogpt-too-large")?.remove();
  const most = Number(about.dataset.mostBytes);
  if (file.size <= most) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  if ("value" in event.target) event.target.value = "";
  const told = document.createElement("p");
  told.className = "kogpt-too-large";
  told.setAttribute("role", "alert");
  told.textContent = say("too_large").replace("{most}", String(most / 1e6)).replace("{name}", file.name);
  about.after(told);
}

for (const kind of ["change", "drop"]) document.addEventListener(kind, refuse, true);
