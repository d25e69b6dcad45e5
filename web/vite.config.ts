import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The API of a running `fleet dev` or `fleet canvas`, for `make ui-dev`.
const api = process.env.FLEET_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react()],
  build: { outDir: 'dist', assetsInlineLimit: 0, chunkSizeWarningLimit: 1000, emptyOutDir: true },
  server: { proxy: { '/api': { target: api, ws: true }, '/ws': { target: api, ws: true } } },
});
