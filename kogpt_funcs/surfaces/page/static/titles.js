// The browser's title follows the chosen tab.

import { title } from "./words.js";

new MutationObserver((changes) => {
  const chosen = changes.map((change) => change.target).find((tab) => tab.matches("[role=tab][aria-selected=true][data-tab-id]"));
  if (chosen) document.title = title(chosen.dataset.tabId);
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
