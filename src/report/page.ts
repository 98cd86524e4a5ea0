import { createHash } from 'node:crypto';
import { html, Html } from './html.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** A page that loads nothing else, around what it shows. */
export function renderPage(title: string, content: Html, version: string): string {
  // The hash allows this one script and no other, so that even markup that slipped through could do nothing.
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}" />
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <main>${content}</main>
        <footer>Made by Sepal ${version}.</footer>
        ${new Html(`<script>${SCRIPT}</script>`)}
      </body>
    </html>`.text;
}

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M8 1c4 3 5 9 0 14C3 10 4 4 8 1z" fill="#1f7a4d"/></svg>';
