// Readers of server-sent events against the feeds: bare ones, and with ids for whoever asks for them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSource } from "eventsource";
import { createParser } from "eventsource-parser";

const site = new URL(process.env.BASE_URL).origin;

async function heard(path) {
  const found = [];
  const parser = createParser({ onEvent: (event) => found.push(event) });
  const leave = new AbortController();
  const answer = await fetch(`${site}${path}`, { signal: leave.signal });
  const decoder = new TextDecoder();
  for await (const chunk of answer.body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (found.length >= 2) break;
  }
  leave.abort();
  return found;
}

test("eventsource-parser reads the bare feed, and ids where they are asked for", async () => {
  for (const event of await heard("/image/feed")) {
    assert.equal(event.id, undefined);
    assert.equal(JSON.parse(event.data).status, "end_generating");
  }
  for (const event of await heard("/image/feed?last_event_id=")) {
    assert.match(event.id, /^\d+\.\d+$/);
    assert.equal(JSON.parse(event.data).status, "end_generating");
  }
});

test("eventsource hears both, and knows where it was where there are ids", async () => {
  for (const [path, id] of [["/image/feed", /^$/], ["/image/feed?last_event_id=", /^\d+\.\d+$/]]) {
    const source = new EventSource(`${site}${path}`);
    const event = await new Promise((resolve, reject) => {
      source.onmessage = resolve;
      source.onerror = (error) => reject(new Error(error.message));
    });
    source.close();
    assert.match(event.lastEventId, id);
    assert.ok(JSON.parse(event.data).imageURL);
  }
});
