// Opens a new story.

import { ask, keep, newKey, penName, root } from "./site.js";

const form = document.getElementById("new");
const notice = form.querySelector(".notice");
const key = newKey(); // pressed twice, it is still one story
form.author.value = penName();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const send = form.querySelector("button");
  send.disabled = true;
  const story = { title: form.title.value, genre: form.genre.value, opening: form.opening.value, author: form.author.value,
    notes: form.notes.value, public: form.public.checked };
  const { status, body } = await ask("POST", "", story, { "Idempotency-Key": `${key}-${JSON.stringify(story).length}` });
  send.disabled = false;
  if (status !== 201) {
    const problem = (body.error.problems || [])[0];
    const field = problem && form.elements[problem.field];
    notice.textContent = problem ? `${field ? field.closest("label").firstChild.textContent.trim() : problem.field}: ${problem.message}` : body.error.message;
    notice.hidden = false;
    if (field) field.focus();
    return;
  }
  keep("pen", "name", story.author.trim());
  keep("stories", body.id, body.secret);
  location.href = `${root}/${body.id}`;
});
