// `npm run build`: compiled JavaScript with types in dist/, as it is published.
import { chmod, cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './process.ts';

const ROOT = join(import.meta.dirname, '..');

await rm(join(ROOT, 'dist'), { recursive: true, force: true });
const status = await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['--project', 'tsconfig.build.json'], ROOT);
if (status === 0) {
  await chmod(join(ROOT, 'dist', 'cli', 'main.js'), 0o755);
  // The page is served as it is written.
  await cp(join(ROOT, 'src', 'serve', 'page'), join(ROOT, 'dist', 'serve', 'page'), {
    recursive: true,
    filter: (path) => !path.endsWith('tsconfig.json'),
  });
}
process.exitCode = status;
