import type { GoServer } from './go-server.ts';

/** An emulator of Google Cloud Storage, with a bucket for each folder in `buckets`. */
export const fakeGcs = (buckets: string): GoServer => ({
  path: 'github.com/fsouza/fake-gcs-server',
  version: 'v1.56.1',
  args: (port) => [
    ...`-scheme http -host 127.0.0.1 -port ${port} -public-host 127.0.0.1:${port}`.split(' '),
    ...'-backend memory -log-level error -data'.split(' '),
    buckets,
  ],
});

/** What tells Google's clients to use an emulator on a port of this machine. */
export const gcsEnvironment = (port: number): NodeJS.ProcessEnv => ({
  STORAGE_EMULATOR_HOST: `http://127.0.0.1:${port}`,
});
