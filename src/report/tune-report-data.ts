import type { Facts } from './report-data.ts';

/** What a setting was searched over. */
export type TuneAxis =
  | { readonly kind: 'linear' | 'log'; readonly low: number; readonly high: number }
  | { readonly kind: 'choices'; readonly choices: readonly string[] };

/** One trial of a search as its report shows it. */
export interface TuneReportTrial {
  readonly number: number;
  readonly state: 'running' | 'complete' | 'pruned' | 'failed';
  /** Of its best epoch; undefined where it had none. */
  readonly best?: { readonly epoch: number; readonly score: number };
  /** The monitored score of each epoch that it had. */
  readonly scores: readonly number[];
  readonly seconds: number;
  /** In the order of the ranges: a number on an interval, a choice's text else. */
  readonly values: readonly (number | string)[];
  readonly problem?: string;
}

/** Everything that the report of a search shows. */
export interface TuneReportData {
  readonly name: string;
  readonly created: Date;
  /** The score that trials are compared by: `validation macro F1`. */
  readonly monitor: string;
  /** Whether less of it is better, as of a loss. */
  readonly isLoss: boolean;
  readonly ranges: readonly {
    readonly path: string;
    /** What the table calls it, where that is shorter. */
    readonly name?: string;
    readonly text: string;
    readonly axis: TuneAxis;
  }[];
  /** Best first. */
  readonly trials: readonly TuneReportTrial[];
  /** Number of the best trial. */
  readonly best?: number;
  /** How it was searched. */
  readonly search: Facts;
  readonly data: Facts;
  readonly device: Facts;
  /** The best trial's recipe as text. */
  readonly recipe?: string;
  readonly command: string;
  readonly version: string;
}
