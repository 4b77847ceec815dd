// Writing in a book: the next part, the machine's candidates, turns, branches, and what others write meanwhile.

import { ask, button, element, keep, kept, newKey, penName, root, say } from "./site.js";

const story = document.getElementById("book").dataset.story;
const form = document.getElementById("next");
const status = document.getElementById("status");
const notice = document.getElementById("notice");
const candidates = document.getElementById("candidates");
const askButton = document.getElementById("ask");
const sendButton = document.getElementById("send");
const drafts = document.getElementById("drafts");
const TURN_RENEWED = 60_000; // a turn lasts 90 seconds

let place = { parent: 0, branch: 0, version: 0 }; // where the next part goes
let forked = false; // whether that is a branch which nobody has written on
let turn = null; // {secret, parent, branch}
let picked = null; // the candidate in the box, as the machine wrote it
let key = newKey();
let others = []; // who is writing where, as the server told last

function readPlace() {
  const { version, branch, parent } = document.getElementById("text").dataset;
  if (!forked) place = { parent: +parent, branch: +branch, version: +version };
  place.version = +version;
}

function tell(text, ...buttons) {
  notice.replaceChildren(text);
  if (buttons.length) {
    const row = element("div", "", ...buttons);
    row.className = "row";
    notice.append(row);
  }
  notice.hidden = !text;
}

// -- parts --

function dress() {
  const secrets = kept("parts");
  for (const undo of document.querySelectorAll(".undo")) undo.hidden = !secrets[undo.closest(".part").dataset.part];
}

document.getElementById("text").parentElement.addEventListener("click", async ({ target }) => {
  const part = target.closest(".part");
  if (target.matches(".branch")) startBranch(+part.dataset.part, part.querySelector("p").textContent);
  if (target.matches(".undo") && confirm(say("sure_undo"))) {
    const { status: code, body } = await ask("DELETE", `/${story}/parts/${part.dataset.part}`, null, { "X-Secret": kept("parts")[part.dataset.part] });
    if (code !== 200) return tell(body.error.message);
    keep("parts", part.dataset.part);
    await refresh();
  }
});

async function refresh() {
  const before = document.getElementById("text");
  const address = new URL(location.href);
  address.searchParams.delete("part");
  address.searchParams.set("branch", before.dataset.branch);
  const answer = await fetch(address).catch(() => null);
  if (!answer || !answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const after = page.getElementById("text");
  const known = new Set([...before.querySelectorAll(".part")].map((part) => part.id));
  for (const part of after.querySelectorAll(".part")) if (!known.has(part.id)) part.classList.add("fresh");
  const moved = !forked && +after.dataset.parent !== place.parent;
  const lost = ![...after.querySelectorAll(".part")].some((part) => +part.dataset.part === place.parent);
  before.replaceWith(after);
  readPlace();
  if (moved && form.text.value.trim()) tell(say(lost ? "shrank" : "grew"));
  if (moved) { turn = null; candidates.replaceChildren(); }
  if (forked && lost) endBranch();
  dress();
  showWriters();
}

// -- writing --

form.author.value = penName();
form.addEventListener("submit", (event) => { event.preventDefault(); send(); });

async function send() {
  const text = form.text.value.trim();
  if (!text) return form.text.focus();
  sendButton.disabled = true;
  const part = { text, author: form.author.value, parent: place.parent, version: place.version, branch: place.branch,
    by: text === picked ? "machine" : "person", ...(turn && { turn: turn.secret }) };
  const { status: code, body } = await ask("POST", `/${story}/parts`, part, { "Idempotency-Key": key });
  sendButton.disabled = false;
  if (code === 201) return added(body);
  if (code === 409) return refused(body);
  if (code !== 0) key = newKey(); // an answer that may have been lost is asked for again under the same key
  tell(body.error.message);
}

async function added(body) {
  keep("pen", "name", form.author.value.trim());
  keep("parts", body.part.id, body.secret);
  form.text.value = "";
  picked = turn = null;
  key = newKey();
  tell("");
  candidates.replaceChildren();
  if (body.part.branch !== +document.getElementById("text").dataset.branch) {
    location.href = `?branch=${body.part.branch}#p${body.part.id}`;
    return;
  }
  await refresh();
  document.getElementById(`p${body.part.id}`)?.scrollIntoView({ block: "center", behavior: "smooth" });
}

// Somebody was faster: the text stays in the box, a draft is kept, and the writer chooses.
async function refused(body) {
  key = newKey();
  turn = null;
  if (body.draft) keep("drafts", `${story}/${body.draft.id}`, body.draft.secret);
  const parent = place.parent;
  await refresh();
  const choices = [button(say("branch_instead"), async () => { if (await startBranch(parent, "")) send(); })];
  if (place.parent !== parent) choices.unshift(button(say("follow_instead"), send));
  tell(body.error.message, ...choices);
  showDrafts();
}

// -- branches --

async function startBranch(parent, words) {
  const { status: code, body } = await ask("POST", `/${story}/branch`, { parent });
  if (code !== 201) { tell(body.error.message); return false; }
  giveTurnBack();
  forked = true;
  place = { ...place, parent, branch: body.branch };
  candidates.replaceChildren();
  tell(say("branching", { words: words.slice(0, 24) }), button(say("cancel"), endBranch));
  form.text.focus();
  return true;
}

function endBranch() {
  forked = false;
  readPlace();
  tell("");
}

// -- turns --

form.text.addEventListener("input", () => {
  if (form.text.value.trim()) takeTurn(); else giveTurnBack();
});

async function takeTurn() {
  if (turn && turn.parent === place.parent && Date.now() - turn.at < TURN_RENEWED) return;
  const mine = turn && turn.parent === place.parent ? turn.secret : null;
  turn = { parent: place.parent, secret: mine, at: Date.now() }; // asked for once, whatever is typed meanwhile
  const asked = turn;
  const { status: code, body } = await ask("POST", `/${story}/turn`,
    { parent: place.parent, branch: place.branch, author: form.author.value.trim() || penName(), ...(mine && { turn: mine }) });
  if (turn !== asked) return;
  if (code === 201) { turn.secret = body.turn; if (!form.text.value.trim()) giveTurnBack(); } else turn.secret = null;
  if (code === 409) tell(body.error.message);
}

function giveTurnBack() {
  if (turn && turn.secret) ask("DELETE", `/${story}/turn`, null, { "X-Secret": turn.secret });
  turn = null;
}
addEventListener("pagehide", giveTurnBack);

// -- the machine --

askButton.addEventListener("click", async () => {
  const again = candidates.dataset.again;
  askButton.disabled = true;
  showPlain(say("thinking"));
  const { status: code, body } = await ask("POST", `/${story}/suggest`, { parent: place.parent, num_candidates: 3 });
  askButton.disabled = false;
  askButton.textContent = again;
  if (code !== 200) return showPlain(body.error.message);
  if (!body.candidates.length) return showPlain(say("no_candidates"));
  candidates.replaceChildren(...body.candidates.map(candidate));
});

function showPlain(text) {
  const line = element("li", text);
  line.className = "plain";
  candidates.replaceChildren(line);
}

function candidate(text) {
  const use = () => { form.text.value = picked = text; takeTurn(); };
  const row = element("div", "",
    button(say("pick"), () => { use(); send(); }),
    button(say("edit"), () => { use(); form.text.focus(); }),
    button(say("refuse"), () => card.remove()));
  row.className = "row";
  const card = element("li", "", element("p", text), row);
  return card;
}

// -- drafts --

function showDrafts() {
  const mine = Object.entries(kept("drafts")).filter(([name]) => name.startsWith(`${story}/`));
  drafts.replaceChildren();
  if (mine.length) drafts.append(button(say("drafts", { n: mine.length }), () => openDrafts(mine)));
}

async function openDrafts(mine) {
  const list = element("ol");
  list.className = "candidates";
  for (const [name, secret] of mine) {
    const { status: code, body } = await ask("GET", `/${story}/drafts/${name.split("/")[1]}`, null, { "X-Secret": secret });
    if (code === 404) keep("drafts", name);
    if (code !== 200) continue;
    const row = element("div", "",
      button(say("take"), () => { form.text.value = body.text; takeTurn(); form.text.focus(); }),
      button(say("drop"), () => { keep("drafts", name); showDrafts(); }));
    row.className = "row";
    list.append(element("li", "", element("p", body.text), row));
  }
  drafts.replaceChildren(list);
}

// -- what others do --

function showWriters() {
  const here = others.find((other) => other.parent === place.parent && other.branch === place.branch);
  const seconds = here ? Math.ceil((Date.parse(here.until) - Date.now()) / 1000) : 0;
  const mine = turn && turn.secret && turn.parent === place.parent;
  status.hidden = mine || seconds <= 0;
  if (!status.hidden) status.textContent = say("writing", { author: here.author, seconds });
}
setInterval(showWriters, 1000);

const events = new EventSource(`${root}/api/stories/${story}/events`);
events.addEventListener("story", ({ data }) => {
  const state = JSON.parse(data);
  others = state.turns;
  showWriters();
  if (state.version !== +document.getElementById("text").dataset.version) refresh();
});
events.addEventListener("gone", () => { events.close(); tell(say("gone")); });
addEventListener("pagehide", () => events.close());
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });

// -- the one who opened it --

const remove = document.getElementById("delete");
remove.hidden = !kept("stories")[story];
remove.addEventListener("click", async () => {
  if (!confirm(say("sure_delete"))) return;
  const { status: code, body } = await ask("DELETE", `/${story}`, null, { "X-Secret": kept("stories")[story] });
  if (code !== 204) return tell(body.error.message);
  keep("stories", story);
  location.href = `${root}/`;
});

readPlace();
dress();
showDrafts();
