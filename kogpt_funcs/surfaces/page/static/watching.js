// What follows a change of the form: a refused field says so to screen readers, and what is new comes into view.

const INPUTS = "textarea, input, [role=listbox], table";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function refused(field) {
  const problem = field.querySelector(".kogpt-problem");
  const wrong = Boolean(problem?.querySelector("[role=alert]"));
  for (const input of field.querySelectorAll(INPUTS)) {
    if (!wrong && !input.hasAttribute("aria-invalid")) continue;
    if (wrong) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    if (wrong) input.setAttribute("aria-describedby", problem.id); else input.removeAttribute("aria-describedby");
  }
  return wrong;
}

function intoView(element, block) {
  const { top, bottom } = element.getBoundingClientRect();
  const seen = block === "start" ? top < innerHeight * 0.6 && bottom > 0 : top >= 0 && bottom <= innerHeight;
  if (!seen) element.scrollIntoView({ block, behavior: calm.matches ? "auto" : "smooth" });
}

const waiting = new Set(); // functions whose answer was asked for, in whatever way, and has not begun

function asked(node) {
  const stop = node.nodeType === Node.ELEMENT_NODE && (node.matches("[id$='-stop']") ? node : node.querySelector("[id$='-stop']"));
  if (stop) waiting.add(stop.id.slice(0, -"-stop".length));
}

function looked(form) {
  for (const field of form.querySelectorAll(".kogpt-field")) refused(field);
  if (!waiting.has(form.id)) return;
  const problem = form.querySelector("[role=alert]");
  const begun = form.querySelector(".kogpt-answer .kogpt-title ~ :not(.kogpt-quiet)");
  if (!problem && !begun) return;
  waiting.delete(form.id);
  if (problem) intoView(problem, "center"); else intoView(form.querySelector(".kogpt-answers"), "start");
}

new MutationObserver((changes) => {
  for (const { addedNodes } of changes) addedNodes.forEach(asked);
  const forms = new Set(changes.map(({ target }) => target.parentElement?.closest(".kogpt-function")));
  for (const form of forms) if (form) looked(form);
}).observe(document.body, { subtree: true, childList: true, characterData: true });
