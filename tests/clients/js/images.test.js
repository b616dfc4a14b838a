import assert from "node:assert/strict";
import { test } from "node:test";

import { generateImage } from "ai";

import { openai, vercel } from "./clients.js";

const JPEG = [0xff, 0xd8, 0xff];

test("OpenAI's client paints a picture", async () => {
  const made = await openai.images.generate({
    model: "flux",
    prompt: "a green boat",
    size: "256x256",
    response_format: "b64_json",
  });
  assert.deepEqual([...Buffer.from(made.data[0].b64_json, "base64").subarray(0, 3)], JPEG);
});

test("the Vercel AI SDK paints a picture", async () => {
  const { image } = await generateImage({
    model: vercel.imageModel("flux"),
    prompt: "a blue boat",
    size: "256x256",
    maxRetries: 0,
  });
  assert.deepEqual([...image.uint8Array.subarray(0, 3)], JPEG);
});
