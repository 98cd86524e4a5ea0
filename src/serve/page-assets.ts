import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** A file of the page, ready to be sent. */
export interface PageAsset {
  readonly body: string;
  readonly type: string;
  /** For `ETag`: the hash of the body. */
  readonly tag: string;
}

/** The page's files by path. */
export type PageAssets = ReadonlyMap<string, PageAsset>;

const FOLDER = join(import.meta.dirname, 'page');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Reads the page once. What is asked for later is looked up in this table, so that no path leads into the file system.
 */
export async function loadPageAssets(): Promise<PageAssets> {
  const assets = new Map<string, PageAsset>();
  for (const name of await readdir(FOLDER)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = await readFile(join(FOLDER, name), 'utf8');
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    assets.set(name === 'index.html' ? '/' : `/page/${name}`, { body, type, tag });
  }
  return assets;
}
