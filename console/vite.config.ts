import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  // The server writes a fresh nonce into each page that it sends.
  html: { cspNonce: "$nonce" },
  build: {
    outDir: join(import.meta.dirname, "..", "server", "console", "built"),
    emptyOutDir: true,
    // A file of its own for every style and picture: the content security policy takes no data but pictures'.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    target: "es2022",
    reportCompressedSize: false,
  },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
  },
});
