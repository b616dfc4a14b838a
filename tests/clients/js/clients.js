// The clients under test, all of one server: OpenAI's own, and the two providers of the Vercel AI SDK that fit it.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import OpenAI from "openai";

const { BASE_URL: baseURL, API_KEY: apiKey } = process.env;

export const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
export const vercel = createOpenAICompatible({ name: "pollweb", baseURL, apiKey, includeUsage: true });
export const vercelOpenAI = createOpenAI({ baseURL, apiKey });
