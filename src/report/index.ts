export { renderReport, writeReport } from './report.ts';
export type { Facts, HistoryRow, Mistake, ReportData, SplitScores, TrainingSummary } from './report-data.ts';
