import { act, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { PollwebError, useImage, useModels, useSpeech, useText, useTranscription } from "../src/index.js";
import { HOST, render, server } from "./setup.js";

const settled = () => act(() => new Promise((wake) => setTimeout(wake, 5)));

test("a picture is loading, then there, with an address to show", async () => {
  server.plays("image");
  const { result } = render(() => useImage("three boats", { seed: 7 }));
  expect(result.current).toMatchObject({ data: undefined, error: undefined, isLoading: true });
  await waitFor(() => expect(result.current.isLoading).toBe(false));
  expect(result.current.data).toMatchObject({ url: `${HOST}/image/prompt/three%20boats?seed=7`, visibility: "public" });
  expect(result.current.data!.src).toMatch(/^blob:/);
  expect(server.asked).toHaveLength(1); // in spite of StrictMode
});

test("text grows while it is loading", async () => {
  server.plays("chat_stream").held = true;
  const { result } = render(() => useText("Hello?"));
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => server.last.more());
  await waitFor(() => expect(result.current).toMatchObject({ data: "Hel", isLoading: true }));
  await act(async () => server.last.all());
  await waitFor(() => expect(result.current).toMatchObject({ data: "Hello", isLoading: false, error: undefined }));
});

test("an error is a value, beside what was said before it", async () => {
  server.plays("error_in_stream");
  const { result } = render(() => useText("Hello?"));
  await waitFor(() => expect(result.current.error).toBeInstanceOf(PollwebError));
  expect(result.current).toMatchObject({ data: "Hel", isLoading: false, error: { code: "provider_failed" } });
});

test("it is asked again when the app says so", async () => {
  server.plays("error_full", "chat_stream");
  const { result } = render(() => useText("Hello?"));
  await waitFor(() => expect(result.current.error).toMatchObject({ status: 429, retryAfter: 12 }));
  act(() => result.current.retry());
  expect(result.current).toMatchObject({ error: undefined, isLoading: true });
  await waitFor(() => expect(result.current.data).toBe("Hello"));
});

test("without a prompt nothing is asked", async () => {
  const { result } = render(() => [useText(null), useImage(""), useSpeech(undefined), useTranscription(null)]);
  await settled();
  for (const answer of result.current) expect(answer).toMatchObject({ data: undefined, isLoading: false });
  expect(server.asked).toHaveLength(0);
});

test("equal hooks are one request, whatever the order of their options", async () => {
  server.plays("chat_stream");
  const { result } = render(() => [
    useText("Hello?", { seed: 1, model: "openai" }),
    useText("Hello?", { model: "openai", seed: 1 }),
    useText("Hello?", { model: "openai", seed: 2 }),
  ]);
  await waitFor(() => expect(result.current.every(({ data }) => data === "Hello")).toBe(true));
  expect(server.asked.map(({ body }) => body.seed).sort()).toEqual([1, 2]);
});

test("a component that leaves cancels its request", async () => {
  server.plays("chat_stream").held = true;
  const { result, unmount } = render(() => useText("Hello?"));
  await waitFor(() => expect(server.open).toBe(1));
  await act(async () => server.last.more());
  await waitFor(() => expect(result.current.data).toBe("Hel"));
  unmount();
  await waitFor(() => expect(server.open).toBe(0));
});

test("it does not as long as somebody else waits for the same", async () => {
  server.plays("chat_stream").held = true;
  const { result, rerender } = render(
    ({ both }) => [useText("Hello?"), useText(both ? "Hello?" : null)],
    { both: true },
  );
  await waitFor(() => expect(server.open).toBe(1));
  rerender({ both: false });
  await settled();
  expect(server.open).toBe(1);
  await act(async () => server.last.all());
  await waitFor(() => expect(result.current[0]!.data).toBe("Hello"));
});

test("a prompt that changes cancels the request before it", async () => {
  server.plays("chat_stream").held = true;
  const { result, rerender } = render(({ prompt }) => useText(prompt), { prompt: "one" });
  await waitFor(() => expect(server.answers).toHaveLength(1));
  rerender({ prompt: "two" });
  expect(result.current).toMatchObject({ data: undefined, isLoading: true });
  await waitFor(() => expect(server.answers).toHaveLength(2));
  await waitFor(() => expect(server.open).toBe(1));
  await act(async () => server.last.all());
  await waitFor(() => expect(result.current.data).toBe("Hello"));
});

test("whoever comes back finds what was brought", async () => {
  server.plays("chat_stream");
  const { result, rerender } = render(({ prompt }) => useText(prompt), { prompt: "one" });
  await waitFor(() => expect(result.current.data).toBe("Hello"));
  rerender({ prompt: "two" });
  await waitFor(() => expect(result.current.data).toBe("Hello"));
  rerender({ prompt: "one" });
  expect(result.current).toMatchObject({ data: "Hello", isLoading: false });
  await settled();
  expect(server.asked).toHaveLength(2);
});

test("many at once are one request each, and stay so when they are shown again", async () => {
  server.plays("chat_stream");
  const numbers = Array.from({ length: 70 }, (_, number) => number);
  const { result, rerender } = render(() => numbers.map((number) => useText(`question ${number}`)));
  await waitFor(() => expect(result.current.every(({ data }) => data === "Hello")).toBe(true));
  rerender();
  await settled();
  expect(server.asked).toHaveLength(70);
});

test("pictures are let go when their provider leaves", async () => {
  const revoked = vi.spyOn(URL, "revokeObjectURL");
  server.plays("image");
  const { result, unmount } = render(() => useImage("three boats"));
  await waitFor(() => expect(result.current.data).toBeDefined());
  unmount();
  await settled();
  expect(revoked).toHaveBeenCalledWith(result.current.data!.src);
});

test("speech has an address to play", async () => {
  server.plays("speech");
  const { result } = render(() => useSpeech("Hello", { voice: "nova" }));
  await waitFor(() => expect(result.current.data?.src).toMatch(/^blob:/));
});

test("a recording is written down as it is heard, once for each recording", async () => {
  server.plays("transcript_stream").held = true;
  const one = new Blob(["a"], { type: "audio/wav" });
  const { result, rerender } = render(({ file }) => useTranscription(file), { file: one });
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => server.last.more());
  await waitFor(() => expect(result.current).toMatchObject({ data: "Good ", isLoading: true }));
  await act(async () => server.last.all());
  await waitFor(() => expect(result.current).toMatchObject({ data: "Good morning.", isLoading: false }));
  rerender({ file: new Blob(["a"], { type: "audio/wav" }) });
  await waitFor(() => expect(server.answers).toHaveLength(2));
});

test("models are listed", async () => {
  server.plays("models_image");
  const { result } = render(() => useModels("image"));
  await waitFor(() => expect(result.current.data?.map(({ name }) => name)).toContain("flux"));
});
