// The copy buttons of answers. Over plain http from another machine a page has no navigator.clipboard.

import { say } from "./words.js";

const SHOWN = 1500; // milliseconds

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const box = document.createElement("textarea");
  box.value = text;
  box.readOnly = true; // no keyboard on a phone
  box.style.cssText = "position: fixed; top: 0; opacity: 0; font-size: 16px";
  const before = document.activeElement;
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  before?.focus();
  return copied;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button.kogpt-copy");
  if (!button) return;
  const copied = await copy(button.parentElement.querySelector(".kogpt-text").innerText);
  const told = document.createElement("span");
  told.className = "kogpt-copied";
  told.setAttribute("role", "status");
  button.parentElement.querySelector(".kogpt-copied")?.remove();
  button.after(told);
  told.textContent = say(copied ? "copied" : "not_copied"); // after it stands there: then it is read aloud
  setTimeout(() => told.remove(), SHOWN);
});
