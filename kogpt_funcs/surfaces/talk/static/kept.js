// What this browser keeps of a talk: its turns and the settings. Without storage they last as long as the page.
// It knows no page.

const MOST_TURNS = 400;

export function kept(name) {
  const place = `kogpt-talk-${name}`;
  let all = { turns: [], settings: {} };
  try {
    const read = JSON.parse(localStorage.getItem(place));
    if (Array.isArray(read?.turns)) all = { turns: read.turns.filter(isTurn), settings: { ...read.settings } };
  } catch { /* private mode, or not ours */ }

  function write() {
    all.turns = all.turns.slice(-MOST_TURNS);
    try { localStorage.setItem(place, JSON.stringify(all)); } catch { /* private mode, or full */ }
  }
  return {
    get turns() { return all.turns; },
    set turns(turns) { all.turns = turns; write(); },
    get settings() { return all.settings; },
    set settings(settings) { all.settings = settings; write(); },
  };
}

// {role, content, at: milliseconds, notes: [[name, value]]}
function isTurn(turn) {
  return ["user", "assistant"].includes(turn?.role) && typeof turn.content === "string" && Number.isFinite(turn.at)
    && Array.isArray(turn.notes);
}
