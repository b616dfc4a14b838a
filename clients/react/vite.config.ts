import { defineConfig } from "vitest/config";

// `REACT=18` runs the tests on React 18, with what stands in test/react-18.
const older = (name: string) => new URL(`test/react-18/node_modules/${name}`, import.meta.url).pathname;
const alias =
  process.env.REACT === "18"
    ? ["react", "react-dom", "@testing-library/react"].map((name) => ({
        find: new RegExp(`^${name}(?=/|$)`),
        replacement: older(name),
      }))
    : [];

export default defineConfig({
  resolve: { alias },
  build: {
    target: "es2022",
    minify: true,
    lib: { entry: { index: "src/index.ts", client: "src/client.ts" }, formats: ["es"] },
    rollupOptions: {
      preserveEntrySignatures: "allow-extension", // no third file for what both entries use
      external: /^react(\/|$)/,
      output: {
        minify: true, // Vite leaves a library its whitespace
        // Hooks belong to client components; the client itself may be imported anywhere.
        banner: (chunk) => (chunk.name === "index" ? '"use client";' : ""),
      },
    },
  },
  test: { environment: "happy-dom", include: ["test/*.test.{ts,tsx}"], restoreMocks: true },
});
