// What Gradio's events and a person's keys set going. Gradio knows these by window.kogpt; see tools.py.

import { follow, link, take } from "./address.js";
import { calls } from "./calling.js";
import { copy } from "./copying.js";
import { count } from "./counting.js";
import { stand } from "./values.js";
import { ask, list, remember } from "./visits.js";
import { say } from "./words.js";

const SHOWN = 4000; // milliseconds
const visible = (element) => Boolean(element?.offsetParent);

function run(name) {
  const button = document.getElementById(`${name}-run`);
  if (visible(button)) button.click();
}

window.kogpt = {
  take,
  run,
  changed(name, ...values) {
    stand(name, values);
    follow(name);
    calls(name);
    count(name);
    list(name);
  },
  answered: remember,
};

// What is asked is what stands in the form now; it may be changed before the answer is whole.
for (const kind of ["click", "keydown"]) {
  document.addEventListener(kind, (event) => {
    const form = event.target.closest?.(".kogpt-function");
    if (form && (kind === "click" ? event.target.closest(`#${form.id}-run`) : event.key === "Enter")) ask(form.id);
  }, true);
}

async function share(button) {
  const tools = button.closest("[data-function]");
  const { href, left } = link(tools.dataset.function);
  const copied = await copy(href);
  const told = tools.querySelector(".kogpt-shared");
  told.textContent = say(!copied ? "not_copied" : left.length ? "link_cut" : "link_copied");
  setTimeout(() => { told.textContent = ""; }, SHOWN);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.(".kogpt-share");
  if (button) share(button);
});

document.addEventListener("toggle", ({ target }) => {
  if (target.matches?.(".kogpt-calls")) calls(target.closest("[data-function]").dataset.function);
}, true);

/** Ctrl+Enter (or ⌘ Enter) runs; a syllable that is still being composed is finished first. */
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".kogpt-function .kogpt-form");
  if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  event.stopPropagation();
  const { id } = form.closest(".kogpt-function");
  if (!event.isComposing) run(id);
  else event.target.addEventListener("compositionend", () => setTimeout(run, 0, id), { once: true });
}, true);

/** What belongs beside the forms in `node`: this visit's answers after a reload, the programs of an open fold. */
function appeared(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  for (const place of [node, ...node.querySelectorAll("[data-function]")]) {
    if (!place.dataset.function) continue;
    list(place.dataset.function);
    calls(place.dataset.function);
  }
}

appeared(document.body); // the page may be there before this script
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) addedNodes.forEach(appeared);
}).observe(document.body, { subtree: true, childList: true });
