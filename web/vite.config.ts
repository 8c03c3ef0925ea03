// How the page is built: plain Vite with oxc's JSX, no plugins. The output
// holds no inline scripts, styles or data: URIs, so that the strictest CSP fits.
import { defineConfig } from "vite";

const server = process.env["DEADAIR_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  root: import.meta.dirname,
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2023" },
  server: { proxy: { "/api": server, "/sign-in": server } },
});
