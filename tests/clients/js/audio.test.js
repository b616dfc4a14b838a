import assert from "node:assert/strict";
import { test } from "node:test";

import { generateSpeech, transcribe } from "ai";
import { toFile } from "openai";

import { openai, vercelOpenAI } from "./clients.js";

const SENTENCE = "The capital of France is Paris.";

test("OpenAI's client speaks and hears", async () => {
  const spoken = await openai.audio.speech.create({
    model: "openai-audio",
    voice: "nova",
    input: SENTENCE,
    response_format: "wav",
  });
  const recording = Buffer.from(await spoken.arrayBuffer());
  assert.equal(recording.subarray(0, 4).toString(), "RIFF");
  const heard = await openai.audio.transcriptions.create({
    model: "openai-audio",
    file: await toFile(recording, "paris.wav", { type: "audio/wav" }),
  });
  assert.match(heard.text, /capital of France is Paris/);
});

test("the Vercel AI SDK speaks and hears", async () => {
  const { audio } = await generateSpeech({
    model: vercelOpenAI.speech("openai-audio"),
    text: SENTENCE,
    voice: "nova",
    maxRetries: 0,
  });
  assert.equal(audio.mediaType, "audio/mpeg");
  const { text } = await transcribe({
    model: vercelOpenAI.transcription("openai-audio"),
    audio: audio.uint8Array,
    maxRetries: 0,
  });
  assert.match(text, /capital of France is Paris/);
});
