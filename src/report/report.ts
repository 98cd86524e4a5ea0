import { createHash } from 'node:crypto';
import { assert, writeFile } from '../base/index.ts';
import { Confusion } from '../metrics/index.ts';
import { classTable } from './class-table.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { curves } from './curves.ts';
import { augmentedImages, gallery } from './gallery.ts';
import { html, Html } from './html.ts';
import { layerSection } from './layers.ts';
import { reliability } from './reliability.ts';
import type { ReportData } from './report-data.ts';
import { SCRIPT } from './script.ts';
import { settings } from './settings.ts';
import { STYLE } from './style.ts';
import { summary } from './summary.ts';

/**
 * Writes a report as one HTML file that loads nothing else.
 *
 * @throws MetricsError if the confusion counts don't fit the class names; SepalError if the file can't be written.
 */
export async function writeReport(report: ReportData, path: string): Promise<void> {
  await writeFile(path, renderReport(report));
}

/** The text of the file that `writeReport` writes. */
export function renderReport(report: ReportData): string {
  const { classNames } = report;
  const confusion = new Confusion(classNames.length);
  confusion.addCounts(report.confusion);
  for (const { id, label, predicted } of [report.mistakes, ...pairsOf(report)].flat()) {
    assert(label in classNames && predicted in classNames, `mistake ${id} has a class without a name`);
  }
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
        <title>${report.name} · Sepal report</title>
        <link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}" />
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <main>
          ${summary(report, confusion)} ${curves(report)} ${confusionMatrix(confusion, classNames)}
          ${classTable(confusion, classNames)} ${gallery(report, confusion)}
          ${reliability(report.calibration, report.temperature)} ${augmentedImages(report.augmented)}
          ${layerSection(report.layers)} ${settings(report)}
        </main>
        <footer>Made by Sepal ${report.reproducibility.version}.</footer>
        ${new Html(`<script>${SCRIPT}</script>`)}
      </body>
    </html>`.text;
}

const pairsOf = ({ confusedPhotos = [] }: ReportData) => confusedPhotos.map(({ photos }) => photos);

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M8 1c4 3 5 9 0 14C3 10 4 4 8 1z" fill="#1f7a4d"/></svg>';
