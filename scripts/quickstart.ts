// `npm run quickstart`: from nothing to a trained classifier of drawn flowers, by the commands that a user would type.
import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { formatSeconds, writeFile } from '../src/base/index.ts';
import { openDataset } from '../src/data/index.ts';
import { run } from './process.ts';

const ROOT = join(import.meta.dirname, '..');
const folder = join(ROOT, 'quickstart');
const flowers = join(folder, 'flowers');
const trained = join(folder, 'run');
const photo = join(folder, 'photo.jpg');
const started = performance.now();

const shown = (path: string) => relative(ROOT, path);

async function sepal(...args: readonly string[]): Promise<void> {
  console.log(`\n$ npm run sepal -- ${args.join(' ')}`);
  const status = await run(process.execPath, ['src/cli/main.ts', ...args], ROOT);
  if (status !== 0) process.exit(status);
}

await rm(folder, { recursive: true, force: true });
await sepal('plugin', 'install', 'cpu');
await sepal('data', 'make', '--out', shown(flowers), '--preview', shown(join(folder, 'flowers.png')));
await sepal('train', 'quickstart', '--data', shown(flowers), '--out', shown(trained), '--device', 'cpu');
await sepal('evaluate', shown(trained), '--data', shown(flowers), '--split', 'val', '--device', 'cpu');

// One picture that the model has never seen, as a file.
const unseen = await openDataset(flowers, { split: 'test', labelsRequired: false });
await writeFile(photo, await unseen.encoded(0));
await unseen.close();
await sepal('predict', shown(trained), shown(photo), '--device', 'cpu');

console.log(`
Done in ${formatSeconds((performance.now() - started) / 1000)}.

  the flowers    ${shown(join(folder, 'flowers.png'))}
  the report     ${shown(join(trained, 'report.html'))}   (open it in a browser)
  the photo      ${shown(photo)}

Next:
  your own photos, a folder for each class:
    npm run sepal -- data convert PHOTOS --out my-flowers --size 192
    npm run sepal -- train cnn --data my-flowers
  what Sepal finds on this machine:
    npm run sepal -- doctor
`);
