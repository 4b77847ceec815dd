// The page of bubbles: what is said, sent and shown. The talk lives in this browser; each request carries it.

import { Refused, ask } from "./asking.js";
import { bubble, day, element, growing, told, words } from "./bubble.js";
import { kept } from "./kept.js";
import * as settings from "./settings.js";
import { canHear, dictate } from "./speech.js";

const SENT = 60; // turns of the talk that a request carries
const at = (id) => document.getElementById(id);
const [list, box, notice, send, clear] = ["turns", "message", "notice", "send", "clear"].map(at);
const talk = kept(told.name);
let asking = null; // the AbortController of the reply that is being written
let refused = []; // replies to the last message that another was wanted for

function draw() {
  let before = "";
  const last = talk.turns.length - 1;
  const shown = talk.turns.flatMap((turn, place) => {
    const today = day(turn.at);
    const item = bubble(turn, place === last && turn.role === "assistant" && !asking ? again : null);
    const made = today === before ? [item] : [element("li", "day", today), item];
    before = today;
    return made;
  });
  list.replaceChildren(...shown);
  at("welcome").hidden = shown.length > 0;
  clear.hidden = shown.length === 0;
  down();
}

function down() { list.parentElement.scrollTop = list.parentElement.scrollHeight; }

function say(text, action) {
  notice.replaceChildren(text);
  if (action) notice.append(" ", action);
  notice.hidden = !text;
}

// Sends `text`; `turns` are what was said before it.
async function reply(text, turns) {
  asking = new AbortController();
  say("");
  const mine = { role: "user", content: text, at: Date.now(), notes: [] };
  const before = talk.turns;
  talk.turns = [...before, mine];
  draw();
  busy(true);
  const waiting = growing();
  list.append(waiting.item);
  down();
  const { message, history, reply: said } = told.talk;
  const body = { ...settings.given(), [message]: text, [history]: turns.slice(-SENT).map(({ role, content }) => ({ role, content })) };
  try {
    const answer = await ask(body, (partial) => { waiting.grow(partial[said]); down(); }, asking.signal, words);
    const notes = Object.keys(told.notes).map((name) => [name, answer[name] ?? null]);
    talk.turns = [...before, mine, { role: "assistant", content: answer[said], at: Date.now(), notes }];
    return true;
  } catch (error) {
    talk.turns = before;
    box.value ||= text;
    if (error.name !== "AbortError") say(error instanceof Refused ? error.message : words.broken);
    return false;
  } finally {
    asking = null;
    busy(false);
    draw();
    grow();
  }
}

function submit() {
  const text = box.value.trim();
  if (!text || asking) return;
  box.value = "";
  refused = [];
  reply(text, talk.turns);
}

// Another answer: the function is told which were not wanted, as turns of the talk; the talk keeps the last alone.
async function again() {
  const whole = talk.turns;
  const [mine, other] = whole.slice(-2);
  if (asking || other?.role !== "assistant" || mine?.role !== "user") return;
  refused.push(other);
  talk.turns = whole.slice(0, -2);
  const heard = [...talk.turns, ...refused.flatMap((turn) => [mine, turn])];
  if (!await reply(mine.content, heard)) {
    refused.pop();
    box.value = "";
    talk.turns = whole;
    draw();
  }
}

function busy(now) {
  send.classList.toggle("stop", now);
  send.title = now ? words.stop : words.send;
  send.setAttribute("aria-label", send.title);
}

function grow() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
}

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (asking) asking.abort(); else submit();
});
box.addEventListener("input", grow);
box.addEventListener("keydown", (event) => {
  // Enter that ends a syllable of an input method is no Enter.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
});
clear.addEventListener("click", () => {
  if (asking) asking.abort();
  const before = talk.turns;
  const undo = element("button", "plain", words.undo);
  undo.type = "button";
  undo.addEventListener("click", () => { talk.turns = before; say(""); draw(); });
  talk.turns = [];
  draw();
  say(words.cleared, undo);
});

if (canHear) {
  const ear = at("dictate");
  ear.hidden = false;
  ear.addEventListener("click", () => {
    const before = box.value ? `${box.value.trimEnd()} ` : "";
    dictate(
      (text) => { box.value = before + text; grow(); },
      (hearing) => { ear.classList.toggle("on", hearing); say(hearing ? words.hearing : ""); },
      () => setTimeout(() => say(words.deaf)),
    );
  });
}

settings.fill(talk.settings);
settings.whenChanged(() => { talk.settings = settings.given(); });
for (const example of told.examples) {
  const chip = element("button", "chip", example[told.talk.message]);
  chip.type = "button";
  chip.addEventListener("click", () => {
    settings.fill(example);
    talk.settings = settings.given();
    box.value = example[told.talk.message];
    grow();
    box.focus();
  });
  at("examples").append(chip);
}
at("try").hidden = told.examples.length === 0;
at("suite").hidden = window.self !== window.top; // inside the suite's page there is no need to go back to it
draw();
