export { renderChart, writeChart, type ChartFile } from './chart-file.ts';
export { renderComparison, writeComparison, type ComparedRun, type Comparison } from './comparison.ts';
export { html, type Html, type HtmlValue } from './html.ts';
export { renderReport, writeReport } from './report.ts';
export type {
  ConfusedPhotos,
  Facts,
  HistoryRow,
  Mistake,
  ReportData,
  SplitScores,
  TrainingSummary,
} from './report-data.ts';
export { renderTuneReport, writeTuneReport } from './tune-report.ts';
export type { TuneAxis, TuneReportData, TuneReportTrial } from './tune-report-data.ts';
export { sparkline } from './sparkline.ts';
