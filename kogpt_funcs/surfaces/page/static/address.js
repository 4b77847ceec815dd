// The address says which tab is open and what stands in its form: a link to it, and the back button, bring that back.

import { data, fields } from "./values.js";

const LONGEST = 7500; // characters; proxies refuse request lines of 8 kB
const PAUSE = 400; // milliseconds; browsers refuse many changes of the address in a row
const RESERVED = new Set(["tab", "view"]); // links.py knows the same
const THEIRS = /^(__|view$)/; // Gradio's own parameters

const tabs = () => document.querySelectorAll("button[role=tab][data-tab-id]");
const chosen = () => document.querySelector("button[role=tab][data-tab-id][aria-selected=true]")?.dataset.tabId;
const first = () => document.querySelector("[role=tablist] button[role=tab][data-tab-id]")?.dataset.tabId;
const key = (name) => (RESERVED.has(name) || name.startsWith("__") ? `field.${name}` : name);

/** The query string for a function's form: ?tab=NAME&field=value…, and the names of fields that it had no room for. */
export function query(name, told = data(name), longest = Infinity) {
  const asked = new URLSearchParams();
  for (const [theirs, value] of new URLSearchParams(location.search)) if (THEIRS.test(theirs)) asked.append(theirs, value);
  if (tabs().length) asked.set("tab", name);
  const left = [];
  for (const { name: field, standard } of fields(name)) {
    const value = told[field];
    if (value === undefined || value === "" && (standard ?? "") === "") continue;
    asked.set(key(field), typeof value === "string" ? value : JSON.stringify(value));
    if (`${asked}`.length <= longest) continue;
    asked.delete(key(field));
    left.push(field);
  }
  return { search: `${asked}` && `?${asked}`, left };
}

/** The whole link, and the fields that are too long for one. */
export function link(name) {
  const { search, left } = query(name, data(name), LONGEST);
  return { href: `${location.origin}${location.pathname}${search}`, left };
}

let timer;
/** The address follows what is typed, in the same entry of the browser's history. */
export function follow(name) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (tabs().length && chosen() !== name) return;
    const { search } = query(name, data(name), LONGEST);
    if (location.search || Object.values(data(name)).some((value) => value !== "")) {
      history.replaceState(history.state, "", `${location.pathname}${search}${location.hash}`);
    }
  }, PAUSE);
}

/** Another tab is another entry of the browser's history. */
function choose(name) {
  if ((new URLSearchParams(location.search).get("tab") ?? first()) === name) return;
  clearTimeout(timer);
  history.pushState(null, "", `${location.pathname}${query(name, data(name), LONGEST).search}`);
}

let wanted = null;
/** What the page is to show: asked by Gradio at the start, after the back button, and for an earlier input. */
export function take() {
  const asked = wanted ?? location.search;
  wanted = null;
  return asked;
}

export function open(search) {
  wanted = search;
  document.querySelector("#kogpt-open")?.click();
}

addEventListener("popstate", () => {
  clearTimeout(timer);
  open(location.search || (first() ? `?tab=${first()}` : "?"));
});
document.addEventListener("click", (event) => {
  const tab = event.target.closest?.("button[role=tab][data-tab-id]");
  if (tab) choose(tab.dataset.tabId);
});
