/** One measurement of one system, as `--json` prints it. */
export interface Row {
  readonly case: string;
  readonly model: string | null;
  readonly system: string;
  readonly batch: number;
  /** Side of the pictures in pixels. */
  readonly size: number;
  /** Processors that each system had; all of them unless given. */
  readonly threads?: number;
  /** The accelerator's name; a CPU, and float32, unless given. */
  readonly device?: string;
  readonly precision?: string;
  /** Over the repeats: of the slowest one, and in the middle. */
  readonly images_per_second_min: number;
  readonly images_per_second_median: number;
  /** Over the repeats: of the fastest one, and in the middle. */
  readonly seconds_min: number;
  readonly seconds_median: number;
  /** Of all processors together in the repeat that took the fewest: steadier than the clock on a shared machine. */
  readonly cpu_seconds_min?: number;
  readonly peak_rss_bytes: number;
  /** Of an accelerator's memory. */
  readonly peak_device_bytes?: number;
  /** How many times the rate of the peer: the median over the repeats of what each gave. */
  readonly ratio?: number;
}

/** The row of a case that took these seconds for `images` pictures, repeat by repeat. */
export function toRow(
  what: Pick<
    Row,
    'case' | 'model' | 'system' | 'batch' | 'size' | 'threads' | 'device' | 'precision' | 'peak_rss_bytes'
  >,
  images: number,
  seconds: readonly number[],
): Row {
  const { case: name, model, system, batch, size, threads, device, precision, peak_rss_bytes } = what;
  return {
    case: name,
    model,
    system,
    batch,
    size,
    threads,
    device,
    precision,
    images_per_second_min: images / Math.max(...seconds),
    images_per_second_median: images / median(seconds),
    seconds_min: Math.min(...seconds),
    seconds_median: median(seconds),
    peak_rss_bytes,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
}

/** Rows of cells as a Markdown table; the first row is the head. */
export function toMarkdown(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows.map((row) => `| ${row.join(' | ')} |`);
  return [head, `|${' --- |'.repeat(rows[0].length)}`, ...body].join('\n');
}
