// What the scripts say and the tabs' titles, in the page's language; see head.py.

const both = JSON.parse(document.getElementById("kogpt-words").textContent);
const words = () => both[document.documentElement.lang.startsWith("ko") ? "ko" : "en"];

export const say = (key) => words()[key];

/** What a tab is called in the browser's own tab. */
export function title(name) {
  const { titles, suite } = words();
  const names = Object.keys(titles);
  if (names.length === 1) return titles[names[0]];
  return titles[name] ? `${titles[name]} · ${suite}` : suite;
}
