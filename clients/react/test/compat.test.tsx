import { act, waitFor } from "@testing-library/react";
import { expect, expectTypeOf, test } from "vitest";
import { usePollinationsChat, usePollinationsImage, usePollinationsText } from "../src/index.js";
import { recording, textOf } from "./server.js";
import { HOST, render, server } from "./setup.js";

const DEFAULTS = "width=1024&height=1024&model=flux&seed=42&nologo=true";

test("a picture is null, then its address", async () => {
  server.plays("image");
  const { result } = render(() => usePollinationsImage("three boats"));
  expect(result.current).toBeNull();
  await waitFor(() => expect(result.current).toBe(`${HOST}/image/prompt/three%20boats?${DEFAULTS}`));
});

test("a picture's options are the guide's", async () => {
  server.plays("image");
  const options = { width: 64, height: 32, model: "turbo", seed: 7, nologo: false, enhance: true };
  const { result } = render(() => usePollinationsImage("x", options));
  await waitFor(() => expect(result.current).toBe(`${HOST}/image/prompt/x?width=64&height=32&model=turbo&seed=7&enhance=true`));
});

test("an error leaves null", async () => {
  server.plays("error_image");
  const { result } = render(() => [usePollinationsImage("x"), usePollinationsText("x")]);
  await waitFor(() => expect(server.open).toBe(0));
  await act(() => new Promise((wake) => setTimeout(wake, 5)));
  expect(result.current).toEqual([null, null]);
});

test("text is null until it is whole", async () => {
  server.plays("chat");
  const { result } = render(() => usePollinationsText("Hello?", { seed: 3, model: "mistral", systemPrompt: "Be kind" }));
  expect(result.current).toBeNull();
  await waitFor(() => expect(result.current).toBe("Hello"));
  const { body } = server.asked[0]!;
  expect(server.asked[0]!.url.pathname).toBe("/text/openai");
  expect(body).toMatchObject({ seed: 3, model: "mistral", messages: [{ role: "system", content: "Be kind" }, {}] });
  expect(body).not.toHaveProperty("stream");
});

test("text in JSON mode is an object", async () => {
  const { headers, body } = recording("chat");
  const text = textOf({ status: 200, headers, body }).replace("Hello", JSON.stringify('```json\n{"a": 1}\n```').slice(1, -1));
  server.plays({ status: 200, headers, body: new TextEncoder().encode(text) });
  const { result } = render(() => usePollinationsText("x", { jsonMode: true }));
  expectTypeOf(result.current).toEqualTypeOf<Record<string, unknown> | null>();
  await waitFor(() => expect(result.current).toEqual({ a: 1 }));
  expect(server.asked[0]!.body).toMatchObject({ seed: 42, jsonMode: true });
});

test.each([["Hello?"], [{ role: "user" as const, content: "Hello?" }]])("a chat takes %o", async (message) => {
  server.plays("chat");
  const { result } = render(() => usePollinationsChat([{ role: "system", content: "Be kind" }], { jsonMode: true }));
  act(() => result.current.sendUserMessage(message));
  await waitFor(() =>
    expect(result.current.messages).toEqual([
      { role: "system", content: "Be kind" },
      { role: "user", content: "Hello?" },
      { role: "assistant", content: "Hello" },
    ]),
  );
  expect(server.asked[0]!.body).toMatchObject({ model: "openai", seed: 42, jsonMode: true });
});

test("a chat's error is an apology that the model never sees", async () => {
  server.plays("error_full", "chat");
  const { result } = render(() => usePollinationsChat());
  act(() => result.current.sendUserMessage("one"));
  await waitFor(() => expect(result.current.messages.at(-1)).toMatchObject({ role: "assistant" }));
  expect(result.current.messages.at(-1)!.content).toContain("Too many of your requests are waiting");
  act(() => result.current.sendUserMessage("two"));
  await waitFor(() => expect(server.asked).toHaveLength(2));
  expect(server.asked[1]!.body.messages).toEqual([
    { role: "user", content: "one" },
    { role: "user", content: "two" },
  ]);
});
