// One question to the server: server-sent events over a POST. It knows no page.

export class Refused extends Error {}

// The whole answer; `growing` is called with each partial one. Refused carries a sentence for people.
export async function ask(body, growing, signal, words) {
  let answer;
  try {
    answer = await fetch("reply", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
    });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused(words.offline);
  }
  if (!answer.ok) throw new Refused(sentence(await answer.json().catch(() => null), words));
  for await (const [name, data] of events(answer.body)) {
    if (name === "partial") growing(data);
    if (name === "result") return data;
    if (name === "error") throw new Refused(sentence(data, words));
  }
  throw new Refused(words.broken);
}

function sentence(data, words) {
  const fault = data?.error;
  const problems = fault?.problems?.map((problem) => problem.message).join(" ");
  return problems || fault?.message || words.offline;
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const frames = (waiting + value).split("\n\n");
    waiting = frames.pop();
    for (const frame of frames) {
      const lines = Object.fromEntries(frame.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
      if (lines.event) yield [lines.event, JSON.parse(lines.data)];
    }
  }
}
