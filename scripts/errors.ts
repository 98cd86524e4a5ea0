// `npm run errors`: writes the list of all codes into docs/errors.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeList, LIST } from './errors/codes.ts';

const DOCUMENT = join(import.meta.dirname, '..', 'docs', 'errors.md');
writeFileSync(DOCUMENT, readFileSync(DOCUMENT, 'utf8').replace(LIST, codeList));
