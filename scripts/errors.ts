// `npm run errors`: writes the list of all codes into docs/errors.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeList, LIST } from './errors/codes.ts';
import { runScript, scriptCommand } from './script-command.ts';

const DOCUMENT = join(import.meta.dirname, '..', 'docs', 'errors.md');

await runScript(
  scriptCommand('npm run errors', 'Writes the list of all codes into docs/errors.md.', 'npm run errors').action(() => {
    writeFileSync(DOCUMENT, readFileSync(DOCUMENT, 'utf8').replace(LIST, codeList));
  }),
);
