import { assert, writeFile } from '../base/index.ts';
import { Confusion } from '../metrics/index.ts';
import { classTable } from './class-table.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { curves } from './curves.ts';
import { augmentedImages, gallery } from './gallery.ts';
import { html } from './html.ts';
import { layerSection } from './layers.ts';
import { renderPage } from './page.ts';
import { reliability } from './reliability.ts';
import type { ReportData } from './report-data.ts';
import { settings } from './settings.ts';
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
  return renderPage(
    `${report.name} · Sepal report`,
    html`${summary(report, confusion)} ${curves(report)} ${confusionMatrix(confusion, classNames)}
    ${classTable(confusion, classNames)} ${gallery(report, confusion)}
    ${reliability(report.calibration, report.temperature)} ${augmentedImages(report.augmented)}
    ${layerSection(report.layers)} ${settings(report)}`,
    report.reproducibility.version,
  );
}

const pairsOf = ({ confusedPhotos = [] }: ReportData) => confusedPhotos.map(({ photos }) => photos);
