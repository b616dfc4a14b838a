// What the React hooks stand on, against a started pollweb with its engines: by one address, and by two as the public service has them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, PollwebError } from "../../../clients/react/dist/client.js";

const site = process.env.BASE_URL.replace(/\/v1$/, "");
const token = process.env.API_KEY;
const places = {
  "one address": createClient({ baseUrl: site, token }),
  "two addresses": createClient({ baseUrl: { image: `${site}/image`, text: `${site}/text` }, token }),
};
const TOOLS = [
  {
    function: {
      name: "get_weather",
      description: "The weather in a city now",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

for (const [name, pollweb] of Object.entries(places)) {
  test(`${name}: a picture`, async () => {
    const picture = await pollweb.image("three red boats", { width: 64, height: 64, seed: 7 });
    assert.equal(picture.blob.type, "image/jpeg");
    assert.match(picture.madeBy, /^embedded\//);
  });

  test(`${name}: text grows to the same text`, async () => {
    const grown = [];
    const options = { seed: 7, max_tokens: 24 };
    const said = await pollweb.text("What is the capital of France?", options, { onText: (text) => grown.push(text) });
    assert.match(said, /Paris/);
    assert.equal(grown.at(-1), said);
    assert.equal(await pollweb.text("What is the capital of France?", options), said);
  });

  test(`${name}: a call of a function, streamed`, async () => {
    const messages = [{ role: "user", content: "What is the weather in Tokyo?" }];
    const options = { tools: TOOLS, tool_choice: "required", seed: 7 };
    const { tool_calls } = await pollweb.chat(messages, options, { onMessage: () => {} });
    assert.equal(tool_calls[0].function.name, "get_weather");
    assert.match(JSON.parse(tool_calls[0].function.arguments).city, /Tokyo/);
  });

  test(`${name}: what was spoken is written down`, async () => {
    const sound = await pollweb.speech("The quick brown fox jumps over the lazy dog.", { voice: "nova" });
    assert.equal(sound.type, "audio/mpeg");
    const heard = [];
    const said = await pollweb.transcribe(sound, {}, { onText: (text) => heard.push(text) });
    assert.match(said, /quick brown fox/i);
    if (heard.length) assert.equal(heard.at(-1), said);
  });

  test(`${name}: the models, and an unknown one`, async () => {
    const names = (await pollweb.models()).map(({ kind, name }) => `${kind} ${name}`);
    for (const name of ["image flux", "text openai", "audio openai-audio"]) assert.ok(names.includes(name), name);
    await assert.rejects(pollweb.text("x", { model: "nobody" }), (error) => {
      assert.ok(error instanceof PollwebError);
      assert.deepEqual([error.status, error.code], [404, "model_not_found"]);
      return true;
    });
  });

  test(`${name}: the feed, and again from where it was`, async () => {
    const first = await until(pollweb, "");
    await pollweb.image(`a windmill by the sea at ${name}`, { width: 64, height: 64, seed: 8 });
    const next = await until(pollweb, first.last);
    assert.match(next.events[0].prompt, /windmill/);
    assert.equal(next.events[0].id, next.last);
  });
}

/** The first events after a place in the image feed; the connection is closed then. */
function until(pollweb, lastEventId) {
  const stop = new AbortController();
  return new Promise((found, failed) => {
    const onEvents = (events, last) => {
      stop.abort();
      found({ events, last });
    };
    pollweb.feed("image", { signal: stop.signal, lastEventId, onEvents, onTrouble: failed }).catch(failed);
  });
}
