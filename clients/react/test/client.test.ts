// @vitest-environment node
import { beforeEach, expect, test } from "vitest";
import { createClient, PollwebError, PUBLIC } from "../src/client.js";
import { recording, Server } from "./server.js";

let server: Server;
beforeEach(() => {
  server = new Server();
});

const here = (more = {}) => createClient({ baseUrl: "https://ai.example/", fetch: server.fetch, ...more });
const there = () => createClient({ baseUrl: PUBLIC, fetch: server.fetch });

async function errorOf(asked: Promise<unknown>): Promise<PollwebError> {
  const problem = await asked.then(
    () => undefined,
    (problem: unknown) => problem,
  );
  expect(problem).toBeInstanceOf(PollwebError);
  return problem as PollwebError;
}

test("one address has the APIs under it, two are the APIs", () => {
  expect(here().imageUrl("a/b?", { seed: 0, nologo: true, enhance: false })).toBe(
    "https://ai.example/image/prompt/a%2Fb%3F?seed=0&nologo=true",
  );
  expect(here().imageUrl("a\uD800b🐝")).toBe("https://ai.example/image/prompt/a%EF%BF%BDb%F0%9F%90%9D");
  expect(there().imageUrl("bees")).toBe("https://image.pollinations.ai/prompt/bees");
});

test("a picture comes with what the server says about it", async () => {
  server.plays("image");
  const picture = await here().image("three boats", { seed: 7 });
  expect(picture.url).toBe("https://ai.example/image/prompt/three%20boats?seed=7");
  expect(picture.blob.size).toBe(recording("image").body.length);
  expect(picture).toMatchObject({ madeBy: "scripted/picture", cache: "MISS", visibility: "public" });
  expect(picture.requestId).toMatch(/\w/);
});

test("an address of a picture never holds the token that was sent", async () => {
  server.plays("image");
  const picture = await here({ token: "secret" }).image("x");
  expect(server.asked[0]!.url.searchParams.get("token")).toBe("secret");
  expect(server.asked[0]!.headers.has("authorization")).toBe(false); // the image API lets no browser send it
  expect(picture.url).not.toContain("secret");
});

test("the text API knows a token by its header, and a referrer by the body", async () => {
  server.plays("chat");
  await here({ token: "secret", referrer: "bees.example" }).text("Hello?", { system: "Be kind", json: true });
  const [{ method, url, headers, body }] = server.asked as [any];
  expect([method, url.pathname, headers.get("authorization")]).toEqual(["POST", "/text/openai", "Bearer secret"]);
  expect(body).toEqual({
    referrer: "bees.example",
    jsonMode: true,
    messages: [
      { role: "system", content: "Be kind" },
      { role: "user", content: "Hello?" },
    ],
  });
});

test.each([
  ["error_image", 400, "invalid_parameter", "width is '0'"],
  ["error_text", 404, "model_not_found", "Model not found: nobody"],
  ["error_v1", 400, "invalid_parameter", "There is no voice"],
  ["error_full", 429, "queue_full", "Too many"],
])("%s is an error with its status, code and sentence", async (name, status, code, words) => {
  server.plays(name);
  const error = await errorOf(here().text("x"));
  expect(error).toMatchObject({ status, code, requestId: recording(name).headers.get("x-request-id") });
  expect(error.message).toContain(words);
  expect(error.retryAfter).toBe(name === "error_full" ? 12 : undefined);
});

test("a proxy's page is an error too", async () => {
  server.plays({ status: 502, headers: new Headers(), body: new TextEncoder().encode("<html>") });
  expect(await errorOf(here().text("x"))).toMatchObject({ status: 502, code: "http_502" });
});

test("no answer at all is an error without a status", async () => {
  server.plays(new TypeError("Failed to fetch"));
  expect(await errorOf(here().models("image"))).toMatchObject({ status: 0, code: "network" });
});

test("an error in the middle of a stream comes after what was said", async () => {
  server.plays("error_in_stream");
  const said: string[] = [];
  const error = await errorOf(here().text("x", {}, { onText: (text) => said.push(text) }));
  expect(said.at(-1)).toBe("Hel");
  expect(error).toMatchObject({ status: 502, code: "provider_failed", message: "It broke." });
});

test("a stream that breaks off before its end is no answer", async () => {
  const whole = recording("chat_stream");
  const half = new TextDecoder().decode(whole.body).split("\n\n")[0] + "\n\n";
  server.plays({ ...whole, body: new TextEncoder().encode(half) });
  expect(await errorOf(here().text("x", {}, { onText: () => {} }))).toMatchObject({ code: "incomplete_answer" });
});

test("a call that is given up rejects with its signal's reason", async () => {
  server.gate = new Promise(() => {});
  const stop = new AbortController();
  const asked = here().text("x", {}, { signal: stop.signal });
  stop.abort();
  await expect(asked).rejects.toThrow(stop.signal.reason);
  expect(server.open).toBe(0);
});

test("calls of functions are put together from their pieces", async () => {
  server.plays("tools", "tools_stream");
  const tools = [{ function: { name: "get_weather", parameters: { type: "object" } }, run: () => "rain" }];
  const whole = await here().chat([{ role: "user", content: "Hello?" }], { tools });
  const streamed = await here().chat([{ role: "user", content: "Hello?" }], { tools }, { onMessage: () => {} });
  expect(streamed).toEqual(whole);
  expect(streamed.tool_calls).toEqual([
    { id: "call_1", type: "function", function: { name: "get_weather", arguments: '{"city":"Tokyo"}' } },
  ]);
  expect(server.asked[1]!.body.tools).toEqual([{ type: "function", function: tools[0]!.function }]);
  expect(server.asked.map(({ body }) => body.stream)).toEqual([undefined, true]);
});

test("speech is OpenAI's where there is a v1, and the text API's where there is none", async () => {
  server.plays("speech", "speech_text");
  const sounds = [await here().speech("Hello", { voice: "nova", format: "mp3" }), await there().speech("Hello")];
  expect(await Promise.all(sounds.map((sound) => sound.text()))).toEqual(["ID3sound", "ID3sound"]);
  const [one, other] = server.asked as [any, any];
  expect([one.url.pathname, other.url.href]).toEqual(["/v1/audio/speech", "https://text.pollinations.ai/"]);
  expect(one.body).toEqual({ model: "openai-audio", voice: "nova", input: "Hello", response_format: "mp3" });
  expect(other.body.messages).toEqual([{ role: "user", content: "Hello" }]);
});

test("a recording is sent as a form, or within a chat where there is no v1", async () => {
  server.plays("transcript", "transcript_stream", "chat");
  const wav = new Blob(["RIFF"], { type: "audio/wav" });
  expect(await here().transcribe(wav, { language: "en" })).toBe("Good morning.");
  const heard: string[] = [];
  expect(await here().transcribe(wav, {}, { onText: (text) => heard.push(text) })).toBe("Good morning.");
  expect(heard.at(-1)).toBe("Good morning.");
  expect(await there().transcribe(wav)).toBe("Hello");
  const [form, , chat] = server.asked as [any, any, any];
  expect(Object.fromEntries(form.body)).toMatchObject({ model: "whisper-1", language: "en", stream: "false" });
  expect(form.body.get("file").name).toBe("recording.wav");
  expect(chat.body.messages[0].content[1]).toEqual({
    type: "input_audio",
    input_audio: { data: btoa("RIFF"), format: "wav" },
  });
});

test("models are told with their kind, whichever form the list has", async () => {
  server.plays("models_text", "models_image", "models_text");
  const audio = await here().models("audio");
  expect(audio.map(({ name }) => name)).toEqual(["openai-audio"]);
  expect(audio[0]!.voices).toContain("nova");
  const all = await here().models();
  expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(["image", "text", "audio"]));
  expect(all.find(({ name }) => name === "flux")).toEqual({ name: "flux", kind: "image" });
  const object = { flux: { tier: "seed" } };
  server.plays({ status: 200, headers: new Headers(), body: new TextEncoder().encode(JSON.stringify(object)) });
  expect(await here().models("image")).toEqual([{ name: "flux", kind: "image", tier: "seed" }]);
});
