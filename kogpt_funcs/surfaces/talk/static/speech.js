// The browser's own speech, where it has any: reading aloud, and dictation. It knows no page.

const LANGUAGE = "ko-KR";
export const canSpeak = "speechSynthesis" in window && "SpeechSynthesisUtterance" in window;
const Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;
export const canHear = Boolean(Recognition);

let ended = () => {};

// Reads `text`; pressed again while it reads, it stops. `changed` hears whether it speaks.
export function speak(text, changed) {
  const mine = ended === changed;
  window.speechSynthesis.cancel();
  ended(false);
  ended = () => {};
  if (mine) return;
  const said = new SpeechSynthesisUtterance(text);
  said.lang = LANGUAGE;
  said.voice = window.speechSynthesis.getVoices().find((voice) => voice.lang.startsWith("ko")) || null;
  said.onend = said.onerror = () => { if (ended === changed) { changed(false); ended = () => {}; } };
  ended = changed;
  changed(true);
  window.speechSynthesis.speak(said);
}

let hearing = null;

// Hears until it is pressed again or nothing more is said: `heard` gets all that was understood so far.
export function dictate(heard, changed, failed) {
  if (hearing) { hearing.stop(); return; }
  const ear = new Recognition();
  ear.lang = LANGUAGE;
  ear.interimResults = true;
  ear.continuous = true;
  ear.onresult = (event) => heard([...event.results].map((result) => result[0].transcript).join(""));
  ear.onerror = (event) => { if (!["aborted", "no-speech"].includes(event.error)) failed(); };
  ear.onend = () => { hearing = null; changed(false); };
  hearing = ear;
  changed(true);
  try { ear.start(); } catch { hearing = null; changed(false); failed(); }
}
