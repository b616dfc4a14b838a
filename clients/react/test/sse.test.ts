// @vitest-environment node
import { expect, test } from "vitest";
import { readEvents, type ServerEvent } from "../src/client.js";

async function read(...pieces: string[]): Promise<ServerEvent[]> {
  const encoder = new TextEncoder();
  return readBytes(...pieces.map((piece) => encoder.encode(piece)));
}

async function readBytes(...pieces: Uint8Array[]): Promise<ServerEvent[]> {
  const body = new ReadableStream<Uint8Array>({
    start(control) {
      for (const piece of pieces) control.enqueue(piece);
      control.close();
    },
  });
  const found: ServerEvent[] = [];
  for await (const events of readEvents(body)) found.push(...events);
  return found;
}

test("lines end with LF, CR or CRLF, wherever the pieces are cut", async () => {
  const whole = "id: 7\r\ndata: one\r\ndata: two\r\n\r\n: comment\revent: gap\rdata:three\r\r";
  const told = [
    { event: "message", data: "one\ntwo", id: "7" },
    { event: "gap", data: "three", id: "7" },
  ];
  for (let at = 0; at <= whole.length; at++) expect(await read(whole.slice(0, at), whole.slice(at))).toEqual(told);
});

test("a character is whole again when it was cut", async () => {
  const bytes = new TextEncoder().encode("data: 蜜蜂\n\n");
  const found = await readBytes(...[...bytes].map((byte) => Uint8Array.of(byte)));
  expect(found.map(({ data }) => data)).toEqual(["蜜蜂"]);
});

test("a heartbeat is a piece without events", async () => {
  const body = new ReadableStream<Uint8Array>({
    start(control) {
      control.enqueue(new TextEncoder().encode(": beat\n\n"));
      control.close();
    },
  });
  const pieces: ServerEvent[][] = [];
  for await (const events of readEvents(body)) pieces.push(events);
  expect(pieces[0]).toEqual([]);
});

test("an event that is not finished is none", async () => {
  expect(await read("data: one\n\ndata: tw")).toHaveLength(1);
});

test("a reader that leaves hangs up", async () => {
  let hungUp = false;
  const body = new ReadableStream<Uint8Array>({
    start: (control) => control.enqueue(new TextEncoder().encode("data: x\n\n")),
    cancel: () => {
      hungUp = true;
    },
  });
  for await (const _ of readEvents(body)) break;
  expect(hungUp).toBe(true);
});
