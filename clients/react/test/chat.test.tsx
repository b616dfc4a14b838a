import { act, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { useChat, type Message, type UseChatOptions } from "../src/index.js";
import { render, server } from "./setup.js";

const chat = (options: UseChatOptions = {}, initial?: Message[]) => render(() => useChat(initial, options)).result;
const said = (messages: Message[]) => messages.map(({ role, content }) => [role, content]);

test("an answer grows, and is one message in the end", async () => {
  server.plays("chat_stream").held = true;
  const result = chat({ model: "openai", system: "Be kind" });
  let answered!: Promise<Message | undefined>;
  act(() => void (answered = result.current.send("Hello?")));
  expect(result.current).toMatchObject({ isLoading: true, messages: [{ role: "user", content: "Hello?" }] });
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => server.last.more());
  await waitFor(() => expect(said(result.current.messages).at(-1)).toEqual(["assistant", "Hel"]));
  await act(async () => server.last.all());
  await waitFor(() => expect(result.current.isLoading).toBe(false));
  expect(said(result.current.data)).toEqual([
    ["user", "Hello?"],
    ["assistant", "Hello"],
  ]);
  expect(await answered).toEqual({ role: "assistant", content: "Hello" });
  expect(server.asked[0]!.url.pathname).toBe("/text/openai");
  expect(said(server.asked[0]!.body.messages)).toEqual([
    ["system", "Be kind"],
    ["user", "Hello?"],
  ]);
});

test("what was said before is sent along", async () => {
  server.plays("chat_stream");
  const result = chat({}, [{ role: "system", content: "You are a bee" }]);
  await act(() => result.current.send("one"));
  await act(() => result.current.send([{ type: "text", text: "two" }]));
  expect(said(server.asked[1]!.body.messages)).toEqual([
    ["system", "You are a bee"],
    ["user", "one"],
    ["assistant", "Hello"],
    ["user", [{ type: "text", text: "two" }]],
  ]);
});

test("a stop keeps what was said and hangs up", async () => {
  server.plays("chat_stream").held = true;
  const result = chat();
  let answered!: Promise<Message | undefined>;
  act(() => void (answered = result.current.send("Hello?")));
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => server.last.more());
  await waitFor(() => expect(result.current.messages).toHaveLength(2));
  act(() => result.current.stop());
  expect(result.current).toMatchObject({ isLoading: false, error: undefined });
  expect(said(result.current.messages).at(-1)).toEqual(["assistant", "Hel"]);
  expect(server.open).toBe(0);
  expect(await answered).toBeUndefined();
});

test("a stop before the first word leaves the question", async () => {
  server.gate = new Promise(() => {});
  const result = chat();
  act(() => void result.current.send("Hello?"));
  act(() => result.current.stop());
  expect(said(result.current.messages)).toEqual([["user", "Hello?"]]);
});

test("something else said in the middle stops the answer before it", async () => {
  server.plays("chat_stream").held = true;
  const result = chat();
  act(() => void result.current.send("one"));
  await waitFor(() => expect(server.answers).toHaveLength(1));
  act(() => void result.current.send("two"));
  await waitFor(() => expect(server.answers).toHaveLength(2));
  expect(server.open).toBe(1);
  await act(async () => server.last.all());
  await waitFor(() => expect(result.current.isLoading).toBe(false));
  expect(said(result.current.messages)).toEqual([
    ["user", "one"],
    ["user", "two"],
    ["assistant", "Hello"],
  ]);
});

test("an error is a value, and a retry asks the last question again", async () => {
  server.plays("error_full", "chat_stream");
  const result = chat();
  expect(await act(() => result.current.send("Hello?"))).toBeUndefined();
  expect(result.current).toMatchObject({ isLoading: false, error: { code: "queue_full", retryAfter: 12 } });
  await act(() => result.current.retry());
  expect(result.current.error).toBeUndefined();
  await act(() => result.current.retry());
  expect(said(result.current.messages)).toEqual([
    ["user", "Hello?"],
    ["assistant", "Hello"],
  ]);
  expect(server.asked).toHaveLength(3);
});

test("functions are called, and what they give is told to the model", async () => {
  server.plays("tools_stream", "chat_stream");
  const called: unknown[] = [];
  const run = (args: unknown) => {
    called.push(args);
    return { weather: "rain" };
  };
  const result = chat({ tools: [{ function: { name: "get_weather" }, run }] });
  await act(() => result.current.send("The weather in Tokyo?"));
  expect(called).toEqual([{ city: "Tokyo" }]);
  expect(result.current.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
  expect(server.asked[1]!.body.messages.at(-1)).toEqual({
    role: "tool",
    tool_call_id: "call_1",
    name: "get_weather",
    content: '{"weather":"rain"}',
  });
});

test("a function that fails tells the model so", async () => {
  server.plays("tools_stream", "chat_stream");
  const run = () => Promise.reject(new TypeError("No such city"));
  const result = chat({ tools: [{ function: { name: "get_weather" }, run }] });
  await act(() => result.current.send("The weather?"));
  expect(server.asked[1]!.body.messages.at(-1).content).toBe('{"error":"No such city"}');
});

test("a model that only ever calls functions is stopped", async () => {
  server.plays("tools_stream");
  const result = chat({ maxRounds: 2, tools: [{ function: { name: "get_weather" }, run: () => "rain" }] });
  await act(() => result.current.send("The weather?"));
  expect(result.current.error).toMatchObject({ code: "too_many_rounds" });
  expect(server.asked).toHaveLength(3);
  expect(result.current.messages.at(-1)!.role).toBe("tool"); // no call without an answer
});

test("a function without run is the app's to answer", async () => {
  server.plays("tools_stream", "chat_stream");
  const result = chat({ tools: [{ function: { name: "get_weather" } }] });
  const message = await act(() => result.current.send("The weather?"));
  expect(result.current.isLoading).toBe(false);
  await act(() => result.current.send({ role: "tool", tool_call_id: message!.tool_calls![0]!.id, content: "rain" }));
  expect(said(result.current.messages).at(-1)).toEqual(["assistant", "Hello"]);
});

test("a component that leaves stops its chat", async () => {
  server.plays("chat_stream").held = true;
  const { result, unmount } = render(() => useChat());
  act(() => void result.current.send("Hello?"));
  await waitFor(() => expect(server.open).toBe(1));
  unmount();
  await waitFor(() => expect(server.open).toBe(0));
});

test("messages can be set from outside", () => {
  const result = chat();
  act(() => result.current.setMessages([{ role: "user", content: "again" }]));
  expect(said(result.current.messages)).toEqual([["user", "again"]]);
});
