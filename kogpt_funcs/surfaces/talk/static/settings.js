// The fields beside the message, as JSON values: what is left empty is not sent.

const read = { text: (text) => text, number: Number, choice: JSON.parse };
const fields = [...document.querySelectorAll("#settings [data-kind]")];

export function given() {
  const found = {};
  for (const field of fields) {
    const text = field.value.trim();
    if (!text) continue;
    found[field.name] = read[field.dataset.kind](text);
  }
  return found;
}

export function fill(values) {
  for (const field of fields) {
    const value = values[field.name];
    field.value = value === undefined || value === null ? "" : field.dataset.kind === "text" ? value : JSON.stringify(value);
  }
}

export function whenChanged(does) {
  for (const field of fields) field.addEventListener("change", does);
}
