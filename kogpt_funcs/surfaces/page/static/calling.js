// What stands in the form as a program: curl, Python and JavaScript.

import { data, keyed } from "./values.js";

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function python(value, indent = "    ") {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((one) => python(one, indent)).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${python(one, indent)}`).join(", ")}}`;
}

const WRITERS = {
  curl: (url, told, key) =>
    [`curl ${quoted(url)}`, key && `-H "Authorization: Bearer $KOGPT_API_KEY"`, "-H 'Content-Type: application/json'",
      `-d ${quoted(JSON.stringify(told))}`].filter(Boolean).join(" \\\n  "),
  Python: (url, told, key) =>
    [key && "import os\n", "import requests\n", `answer = requests.post(`, `    ${JSON.stringify(url)},`,
      `    json=${python(told)},`, key && '    headers={"Authorization": f"Bearer {os.environ[\'KOGPT_API_KEY\']}"},',
      ")", "print(answer.json())"].filter(Boolean).join("\n"),
  JavaScript: (url, told, key) =>
    [`const answer = await fetch(${JSON.stringify(url)}, {`, '  method: "POST",',
      `  headers: { "Content-Type": "application/json"${key ? ", Authorization: `Bearer ${process.env.KOGPT_API_KEY}`" : ""} },`,
      `  body: JSON.stringify(${JSON.stringify(told)}),`, "});", "console.log(await answer.json());"].join("\n"),
};

/** Fills the function's fold with its three programs, if it is open. */
export function calls(name) {
  const fold = document.getElementById(`${name}-tools`)?.querySelector(".kogpt-calls");
  if (!fold?.open) return;
  const url = new URL(`./api/${name}`, location.origin + location.pathname).href;
  for (const place of fold.querySelectorAll("[data-language]")) {
    place.textContent = WRITERS[place.dataset.language](url, data(name), keyed(name));
  }
}
