import { act, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PUBLIC, useFeed } from "../src/index.js";
import { render, server } from "./setup.js";
import { recording, textOf } from "./server.js";

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

test("what is made comes newest first", async () => {
  server.plays("feed_image").held = true;
  const { result } = render(() => useFeed("image"));
  expect(result.current).toMatchObject({ data: undefined, isLoading: true });
  await waitFor(() => expect(result.current).toMatchObject({ data: [], isLoading: false }));
  for (let number = 0; number < 3; number++) await act(async () => server.last.more());
  await waitFor(() => expect(result.current.data?.map(({ prompt }) => prompt)).toEqual(["three", "two", "one"]));
  expect(server.asked[0]!.url.href).toBe("https://ai.example/image/feed?past_results=20&last_event_id=");
  expect([...server.asked[0]!.headers]).toEqual([]); // the image API lets browsers send none
});

test("components share one connection, whatever their limit, and the last one closes it", async () => {
  server.plays("feed_text").held = true;
  const { result, rerender, unmount } = render(
    ({ both }) => [useFeed("text"), useFeed(both ? "text" : null, { limit: 1 })],
    { both: true },
  );
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => (server.last.more(), server.last.more()));
  await waitFor(() => expect(result.current.map(({ data }) => data?.length)).toEqual([2, 1]));
  rerender({ both: false });
  await later(50);
  expect([server.asked.length, server.open]).toEqual([1, 1]);
  unmount();
  await waitFor(() => expect(server.open).toBe(0));
});

test("a feed that breaks off goes on where it was", async () => {
  server.plays("feed_image", "feed_image_resumed").held = true;
  const { result } = render(() => useFeed("image"));
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => (server.last.more(), server.last.more()));
  await waitFor(() => expect(result.current.data).toHaveLength(2));
  const last = result.current.data![0]!.id;
  await act(async () => server.last.break());
  await waitFor(() => expect(result.current.error).toMatchObject({ code: "network" }));
  expect(result.current).toMatchObject({ isLoading: false, data: { length: 2 } });
  await later(1_100);
  await waitFor(() => expect(server.answers).toHaveLength(2));
  expect(server.asked[1]!.url.searchParams.get("last_event_id")).toBe(last);
  await act(async () => server.last.more());
  await waitFor(() => expect(result.current.data?.map(({ prompt }) => prompt)).toEqual(["three", "two", "one"]));
  expect(result.current.error).toBeUndefined();
});

test("a server without ids that tells its past again is not shown twice", async () => {
  const whole = recording("feed_image");
  const bare = { ...whole, body: new TextEncoder().encode(textOf(whole).replace(/^id: .*\n/gm, "")) };
  server.plays(bare);
  const { result } = render(() => useFeed("image"), undefined, { baseUrl: PUBLIC });
  await waitFor(() => expect(result.current.data).toHaveLength(3));
  await later(1_100);
  await waitFor(() => expect(server.asked.length).toBeGreaterThan(1));
  expect(result.current.data).toHaveLength(3);
});

test("it waits as long as the server asks for", async () => {
  server.plays("error_full", "feed_image").held = true;
  const { result } = render(() => useFeed("image"));
  await waitFor(() => expect(result.current.error).toMatchObject({ status: 429 }));
  await later(11_000);
  expect(server.asked).toHaveLength(1);
  await later(2_000);
  await waitFor(() => expect(server.asked).toHaveLength(2));
});

test("a feed whose heart stopped beating is asked for again", async () => {
  server.plays("feed_image", "feed_image_resumed").held = true;
  const { result } = render(() => useFeed("image"));
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => (server.last.more(": beat\n\n"), server.last.more()));
  await later(40_000);
  await act(async () => server.last.more(": beat\n\n"));
  await later(40_000);
  expect(server.asked).toHaveLength(1);
  await later(7_000);
  await waitFor(() => expect(server.asked).toHaveLength(2));
  expect(server.open).toBe(1);
  expect(server.asked[1]!.url.searchParams.get("last_event_id")).toBe(result.current.data![0]!.id);
});

test("a feed without a heartbeat may be silent", async () => {
  server.plays("feed_image").held = true;
  render(() => useFeed("image"));
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => server.last.more());
  await later(300_000);
  expect(server.asked).toHaveLength(1);
});

test("a server that will not have it is asked once", async () => {
  server.plays("error_text");
  const { result } = render(() => useFeed("image"));
  await waitFor(() => expect(result.current).toMatchObject({ isLoading: false, error: { status: 404 } }));
  await later(60_000);
  expect(server.asked).toHaveLength(1);
});

test("whoever comes back goes on where it left", async () => {
  server.plays("feed_image", "feed_image_resumed").held = true;
  const { result, rerender } = render(({ on }) => useFeed(on ? "image" : null), { on: true });
  await waitFor(() => expect(server.answers).toHaveLength(1));
  await act(async () => (server.last.more(), server.last.more()));
  await waitFor(() => expect(result.current.data).toHaveLength(2));
  rerender({ on: false });
  await waitFor(() => expect(server.open).toBe(0));
  rerender({ on: true });
  await waitFor(() => expect(server.answers).toHaveLength(2));
  await waitFor(() => expect(result.current.data).toHaveLength(2));
});
