/** The main job with 1 GiB, for `npm run test:long`. */
process.env.E2E_FILE_BYTES = String(1024 * 1024 * 1024)
await import('./two-people.test.ts')
