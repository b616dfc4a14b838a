import assert from "node:assert/strict";
import { test } from "node:test";

import { generateText } from "ai";

import { openai, vercel } from "./clients.js";

const QUESTION = "Which colour has the disc in this picture?";
const { PICTURE } = process.env; // a data URI

test("OpenAI's client shows a picture", async () => {
  const answer = await openai.chat.completions.create({
    model: "openai",
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: QUESTION },
          { type: "image_url", image_url: { url: PICTURE } },
        ],
      },
    ],
    max_tokens: 48,
    seed: 7,
  });
  assert.match(answer.choices[0].message.content, /red/i);
});

test("the Vercel AI SDK shows a picture", async () => {
  const { text } = await generateText({
    model: vercel("openai"),
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: QUESTION },
          { type: "file", mediaType: "image/png", data: PICTURE },
        ],
      },
    ],
    seed: 7,
    maxOutputTokens: 48,
    maxRetries: 0,
  });
  assert.match(text, /red/i);
});
