// The answers of this visit. They stay in this browser's tab (sessionStorage) and go when it is closed.

import { open, query } from "./address.js";
import { say } from "./words.js";
import { data } from "./values.js";

const STORE = "kogpt-visit";
const MOST = 50; // answers kept
const LONGEST = 20_000; // characters of one
const PAUSE = 200; // milliseconds between two looks at an answer that is being drawn
const TURNS = 20; // looks at most
const asked = new Map(); // function → what it was asked last

export function ask(name) {
  asked.set(name, data(name));
}

function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(STORE) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

function keep(entries) {
  for (let most = MOST; most > 0; most = Math.floor(most / 2)) {
    try {
      sessionStorage.setItem(STORE, JSON.stringify(entries.slice(-most)));
      return;
    } catch {
      continue; // the browser's room is used up: fewer
    }
  }
}

function shown(form) {
  const answers = [...form.querySelectorAll(".kogpt-answer")].filter((answer) => answer.querySelector(".kogpt-title"));
  const outer = answers.filter((answer) => !answer.parentElement.closest(".kogpt-answer"));
  return outer.map((answer) => answer.innerText.trim()).filter(Boolean).join("\n\n").slice(0, LONGEST);
}

/** The answer once the page has drawn all of it. */
async function drawn(form) {
  let answer = null;
  for (let turn = 0; turn < TURNS && answer !== shown(form); turn++) {
    answer = shown(form);
    await new Promise((done) => setTimeout(done, PAUSE));
  }
  return answer;
}

/** Keeps the answer that stands there, unless the function complains instead. */
export async function remember(name) {
  const form = document.getElementById(name);
  if (!form) return;
  const told = asked.get(name) ?? data(name);
  asked.delete(name);
  const answer = await drawn(form);
  if (!answer || form.querySelector("[role=alert]")) return;
  keep([...kept(), { name, at: Date.now(), asked: told, answer }]);
  list(name);
}

/** Shows what is kept of a function, newest first; all of it as text. */
export function list(name) {
  const fold = document.getElementById(`${name}-tools`)?.querySelector(".kogpt-visit");
  if (!fold) return;
  const mine = kept().filter((entry) => entry.name === name).reverse();
  fold.hidden = mine.length === 0;
  fold.querySelector(".kogpt-visits").textContent = mine.length ? String(mine.length) : "";
  fold.querySelector("ol").replaceChildren(...mine.map(item));
}

function item({ name, at, asked: told, answer }) {
  const entry = document.createElement("li");
  const fill = document.createElement("button");
  const when = document.createElement("time");
  const text = document.createElement("p");
  when.textContent = new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  when.dateTime = new Date(at).toISOString();
  fill.type = "button";
  fill.textContent = Object.values(told).filter((value) => typeof value === "string" && value).join(" → ") || say("again");
  fill.title = say("again");
  fill.addEventListener("click", () => open(query(name, told).search || "?"));
  text.textContent = answer;
  entry.append(when, fill, text);
  return entry;
}

document.addEventListener("click", ({ target }) => {
  const forget = target.closest?.(".kogpt-forget");
  if (!forget) return;
  const { function: name } = forget.closest("[data-function]").dataset;
  keep(kept().filter((entry) => entry.name !== name));
  if (!kept().length) sessionStorage.removeItem(STORE);
  list(name);
});
