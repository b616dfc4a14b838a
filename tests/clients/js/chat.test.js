import assert from "node:assert/strict";
import { test } from "node:test";

import { generateText, isStepCount, streamText, tool } from "ai";
import { z } from "zod";

import { openai, vercel, vercelOpenAI } from "./clients.js";

const FRANCE = "What is the capital of France?";
const TOKYO = "What is the weather in Tokyo?";
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city now",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

test("OpenAI's client chats", async () => {
  const answer = await openai.chat.completions.create({
    model: "openai",
    messages: [{ role: "user", content: FRANCE }],
    seed: 7,
    max_tokens: 24,
  });
  assert.match(answer.choices[0].message.content, /Paris/);
  assert.ok(answer.usage.total_tokens > 0);
});

test("OpenAI's client streams", async () => {
  const stream = await openai.chat.completions.create({
    model: "openai",
    messages: [{ role: "user", content: "Count from one to eight." }],
    max_tokens: 24,
    stream: true,
  });
  const pieces = [];
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content);
  }
  assert.ok(pieces.length > 3);
});

test("OpenAI's client comes through a tool conversation", async () => {
  const messages = [{ role: "user", content: TOKYO }];
  const asked = await openai.chat.completions.create({
    model: "openai",
    messages,
    tools: [WEATHER],
    tool_choice: "required",
    seed: 7,
  });
  const [call] = asked.choices[0].message.tool_calls;
  assert.equal(call.function.name, "get_weather");
  assert.match(JSON.parse(call.function.arguments).city, /Tokyo/);
  messages.push(asked.choices[0].message);
  messages.push({ role: "tool", tool_call_id: call.id, content: "Rain, 15 degrees" });
  const told = await openai.chat.completions.create({
    model: "openai",
    messages,
    tools: [WEATHER],
    seed: 7,
    max_tokens: 48,
  });
  assert.match(told.choices[0].message.content, /15|rain/i);
});

test("the Vercel AI SDK chats", async () => {
  const { text, usage } = await generateText({
    model: vercel("openai"),
    prompt: FRANCE,
    seed: 7,
    maxOutputTokens: 24,
    maxRetries: 0,
  });
  assert.match(text, /Paris/);
  assert.ok(usage.outputTokens > 0);
});

test("the Vercel AI SDK streams", async () => {
  const { textStream } = streamText({
    model: vercel("openai"),
    prompt: "Count from one to seven.",
    maxOutputTokens: 24,
    maxRetries: 0,
    onError: ({ error }) => {
      throw error;
    },
  });
  const pieces = [];
  for await (const piece of textStream) pieces.push(piece);
  assert.ok(pieces.length > 3);
});

test("the Vercel AI SDK calls a tool and tells its answer", async () => {
  const cities = [];
  const { text, steps } = await generateText({
    model: vercel("openai"),
    prompt: TOKYO,
    seed: 7,
    maxRetries: 0,
    tools: {
      get_weather: tool({
        description: "The weather in a city now",
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => {
          cities.push(city);
          return "Rain, 15 degrees";
        },
      }),
    },
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "none" }),
    stopWhen: isStepCount(2),
  });
  assert.equal(steps.length, 2);
  assert.match(cities[0], /Tokyo/);
  assert.match(text, /15|rain/i);
});

test("the Vercel AI SDK chats by OpenAI's Responses", async () => {
  const { text } = await generateText({
    model: vercelOpenAI.responses("openai"),
    prompt: FRANCE,
    maxOutputTokens: 24,
    maxRetries: 0,
  });
  assert.match(text, /Paris/);
});

test("the Vercel AI SDK streams by OpenAI's Responses", async () => {
  const { textStream } = streamText({
    model: vercelOpenAI.responses("openai"),
    prompt: "Count from one to six.",
    maxOutputTokens: 24,
    maxRetries: 0,
    onError: ({ error }) => {
      throw error;
    },
  });
  const pieces = [];
  for await (const piece of textStream) pieces.push(piece);
  assert.ok(pieces.length > 3);
});
