// What every page of the site needs: its words, what this browser keeps, and REST.

const words = JSON.parse(document.getElementById("words").textContent);
export const root = document.body.dataset.root;

export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Pen name, secrets and drafts stay in this browser; without storage they last as long as the page.
const SHELF = "kogpt-stories";
let memory = {};
function shelf() {
  try { return JSON.parse(localStorage.getItem(SHELF)) || memory; } catch { return memory; }
}
export function kept(kind) { return shelf()[kind] || {}; }
export function keep(kind, key, value) {
  const all = shelf();
  all[kind] = { ...all[kind] };
  if (value === undefined) delete all[kind][key]; else all[kind][key] = value;
  memory = all;
  try { localStorage.setItem(SHELF, JSON.stringify(all)); } catch { /* private mode */ }
}

export function penName() {
  const names = say("names").split(",");
  return kept("pen").name || names[Math.floor(Math.random() * names.length)];
}

// {status, body}; status 0 where the server cannot be reached.
export async function ask(method, path, body, headers = {}) {
  try {
    const answer = await fetch(`${root}/api/stories${path}`, {
      method, keepalive: method === "DELETE", headers: body ? { "Content-Type": "application/json", ...headers } : headers,
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : {} };
  } catch {
    return { status: 0, body: { error: { message: say("offline") } } };
  }
}

export function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

export function button(text, does) {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", does);
  return made;
}

// randomUUID is missing where a page came over plain http from another machine.
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
