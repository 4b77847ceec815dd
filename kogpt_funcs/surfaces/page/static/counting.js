// How many characters a text has, told as it nears what its field takes. Characters are counted as the server does.

import { say } from "./words.js";
import { data, fields } from "./values.js";

const NEAR = 0.8; // of the limit
const shown = (number) => number.toLocaleString("en-US");

export function count(name) {
  const told = data(name);
  for (const { name: field, longest } of fields(name)) {
    const block = document.getElementById(`${name}-${field}`);
    if (!longest || !block) continue;
    const length = typeof told[field] === "string" ? [...told[field]].length : 0;
    const counter = block.parentElement.querySelector(".kogpt-count") ?? added(block);
    counter.hidden = length < longest * NEAR;
    counter.classList.toggle("over", length > longest);
    const text = counter.hidden ? "" : say("counted").replace("{n}", shown(length)).replace("{most}", shown(longest));
    if (counter.textContent !== text) counter.textContent = text;
  }
}

function added(block) {
  const counter = document.createElement("p");
  counter.className = "kogpt-count";
  counter.setAttribute("role", "status");
  counter.hidden = true;
  block.after(counter);
  return counter;
}
