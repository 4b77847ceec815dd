// node ask.js URL NAME JSON [KEY]: one JSON line with the endpoints, the answer and how it grew, or the error.
import { Client } from "@gradio/client";

const [url, name, given, key] = process.argv.slice(2);
const options = key ? { headers: { Authorization: `Bearer ${key}` } } : {};
const told = {};
try {
  const client = await Client.connect(url, options);
  const { named_endpoints } = await client.view_api();
  told.parameters = Object.fromEntries(
    Object.entries(named_endpoints).map(([path, { parameters }]) => [path, parameters.map((p) => p.parameter_name)]),
  );
  told.pieces = [];
  for await (const message of client.submit(`/${name}`, JSON.parse(given))) {
    if (message.type === "data") told.pieces.push(message.data[0]);
    if (message.type === "status" && message.stage === "error") throw message;
  }
  told.answer = (await client.predict(`/${name}`, JSON.parse(given))).data[0];
} catch (error) {
  told.error = { message: error.message, title: error.title };
}
console.log(JSON.stringify(told));
process.exit(0);
