import { defineConfig } from "vite";

// `npm run example` serves the gallery at a port of its own and passes what it asks on to a pollweb (POLLWEB=http://…).
// `npm run playground` builds it for that pollweb's own page, /docs/react: two files whose names change with them.
const here = (path: string) => new URL(path, import.meta.url).pathname;
const target = process.env.POLLWEB ?? "http://localhost:8000";

export default defineConfig(({ command }) => ({
  root: here("."),
  publicDir: command === "serve" ? here("../../../static") : false,
  resolve: { alias: { "pollweb-react": here("../src/index.ts") } },
  server: { proxy: Object.fromEntries(["/image", "/text", "/v1"].map((path) => [path, target])) },
  build: {
    target: "es2022",
    outDir: here("../../../static/react"),
    emptyOutDir: true,
    manifest: "manifest.json",
    modulePreload: false,
    license: { fileName: "LICENSES.md" },
    rollupOptions: {
      input: here("src/main.tsx"),
      output: { entryFileNames: "playground.[hash].js", assetFileNames: "playground.[hash][extname]" },
    },
  },
}));
