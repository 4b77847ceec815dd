// What stands in a function's form, as the JSON that REST takes; components.py reads it the same way on the server.

const place = (name) => document.getElementById(`${name}-tools`)?.querySelector("[data-function]");
const standing = new Map(); // function → the values of its components, as Gradio last told them

/** The function's fields as tools.py describes them: name, kind, standard, required, longest, columns. */
export const fields = (name) => JSON.parse(place(name)?.dataset.fields ?? "[]");
export const keyed = (name) => place(name)?.dataset.key === "true";

export function stand(name, values) {
  standing.set(name, values);
}

/** {field: value} of what differs from the standard, and of whatever is required. */
export function data(name) {
  const values = standing.get(name);
  const told = {};
  fields(name).forEach((field, place) => {
    const value = values ? read(field, values[place]) : field.standard;
    if (field.required) told[field.name] = value ?? "";
    else if (value !== null && JSON.stringify(value) !== JSON.stringify(field.standard)) told[field.name] = value;
  });
  return told;
}

function read(field, value) {
  if (field.kind === "number") return number(value);
  if (field.kind === "text") return value || (field.optional ? null : "");
  if (field.kind === "lines") return lines(field, String(value ?? ""));
  if (field.kind === "table") return rows(field, value?.data ?? []);
  if (field.kind === "json") return parsed(value);
  return value ?? null;
}

function number(value) {
  if (typeof value !== "string") return value ?? null;
  const text = value.trim().replaceAll(",", "");
  return text === "" ? null : Number.isFinite(Number(text)) ? Number(text) : value;
}

function lines(field, value) {
  const found = value.split(/\r\n|\r|\n/).filter((line) => line.trim());
  return found.length || !field.optional ? found : null;
}

function rows(field, table) {
  const cells = (row) => field.columns.map(({ name, kind }, place) => [name, kind === "number" ? number(row[place]) : row[place]]);
  const filled = table.map((row) => Object.fromEntries(cells(row).filter(([, cell]) => cell !== null && cell !== undefined && cell !== "")));
  return filled.filter((row) => Object.keys(row).length);
}

function parsed(value) {
  try {
    return value?.trim() ? JSON.parse(value) : null;
  } catch {
    return value; // the server says what is wrong with it
  }
}
