import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { root: import.meta.dirname, include: ['**/*.e2e.ts'], testTimeout: 150_000, hookTimeout: 60_000, fileParallelism: false, retry: 0 },
});
