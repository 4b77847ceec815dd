// One turn as a bubble. Whatever is said is set as text, never as HTML.

import { canSpeak, speak } from "./speech.js";

const told = JSON.parse(document.getElementById("told").textContent);
export const { words } = told;
export { told };
const locale = document.documentElement.lang === "ko" ? "ko-KR" : "en-GB";
const clock = new Intl.DateTimeFormat(locale, { timeZone: "Asia/Seoul", hour: "numeric", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(locale, { timeZone: "Asia/Seoul", dateStyle: "full" });

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function day(at) { return calendar.format(at); }

// A list item for `turn`; `retry` is called by its button, which only the last reply has.
export function bubble(turn, retry) {
  const item = element("li", turn.role);
  const said = element("div", "said", turn.content);
  const small = element("div", "small");
  const time = element("time", "", clock.format(turn.at));
  time.dateTime = new Date(turn.at).toISOString();
  time.title = `${calendar.format(turn.at)} ${clock.format(turn.at)} (${words.kst})`;
  small.append(...turn.notes.map(note).filter(Boolean), time, copyButton(turn.content));
  if (turn.role === "assistant") {
    if (canSpeak) small.append(speakButton(turn.content));
    if (retry) small.append(iconButton("retry", words.retry, retry));
  }
  item.append(said, small);
  return item;
}

// The bubble of a reply that is being written.
export function growing() {
  const item = element("li", "assistant growing");
  const said = element("div", "said");
  const dots = element("span", "dots");
  dots.setAttribute("aria-label", words.writing);
  said.append(dots);
  item.append(said);
  return { item, grow: (text) => { if (text) said.textContent = text; } };
}

// A label as a badge, anything else in small print; nothing where there is nothing.
function note([name, value]) {
  const about = told.notes[name];
  if (!about || value === null || value === "") return null;
  const label = about.labels[value];
  const made = element("span", label ? `badge ${name}` : "note");
  made.append(element("i", "", about.title), ` ${label ?? (Number.isFinite(value) ? Math.round(value * 100) / 100 : value)}`);
  return made;
}

function iconButton(kind, title, does) {
  const made = element("button", `icon ${kind}`);
  made.type = "button";
  made.title = title;
  made.setAttribute("aria-label", title);
  made.addEventListener("click", () => does(made));
  return made;
}

function copyButton(text) {
  return iconButton("copy", words.copy, async (button) => {
    await copied(text);
    button.classList.add("done");
    button.title = words.copied;
    setTimeout(() => { button.classList.remove("done"); button.title = words.copy; }, 1500);
  });
}

function speakButton(text) {
  return iconButton("speak", words.listen, (button) => speak(text, (speaking) => {
    button.classList.toggle("on", speaking);
    button.title = speaking ? words.quiet : words.listen;
  }));
}

// Without https a page has no clipboard of its own.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = element("textarea", "unseen");
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
}
