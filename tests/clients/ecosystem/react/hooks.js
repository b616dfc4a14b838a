// @pollinations/react: its three hooks, in React 18.
import assert from "node:assert/strict";
import { act, createElement } from "react";
import { create } from "react-test-renderer";
import { usePollinationsChat, usePollinationsImage, usePollinationsText } from "@pollinations/react";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;

const seen = {};

function App() {
  seen.image = usePollinationsImage("a red boat", { width: 96, height: 64, seed: 5 });
  seen.text = usePollinationsText("What is the capital of France?", { seed: 5, systemPrompt: "One word.", model: "openai" });
  seen.json = usePollinationsText("A colour as JSON.", { seed: 5, jsonMode: true, model: "openai" });
  seen.chat = usePollinationsChat([{ role: "system", content: "You answer in one word." }], { seed: 5 });
  return null;
}

async function until(true_, seconds = 120) {
  const end = Date.now() + seconds * 1000;
  while (!true_()) {
    assert.ok(Date.now() < end, JSON.stringify(seen));
    await act(() => new Promise((done) => setTimeout(done, 20)));
  }
}

let app;
await act(async () => {
  app = create(createElement(App));
});
await until(() => seen.text !== null && seen.json !== null);
assert.match(seen.text, /paris/i);
assert.equal(typeof seen.json, "object", String(seen.json));

await act(async () => seen.chat.sendUserMessage("What is the capital of Italy?"));
await until(() => seen.chat.messages.length === 3);
assert.equal(seen.chat.messages[2].role, "assistant");
assert.match(seen.chat.messages[2].content, /rome/i);

const picture = await fetch(seen.image);
assert.equal(picture.status, 200);
assert.equal(picture.headers.get("content-type"), "image/jpeg");
await act(async () => app.unmount());
