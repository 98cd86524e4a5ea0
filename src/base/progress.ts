import { SingleBar } from 'cli-progress';
import { formatSeconds } from './format.ts';

/** What a progress display shows. */
export interface ProgressOptions {
  /** What is going on, such as `epoch 3/20`. */
  readonly label: string;
  /** How many units there are in all. */
  readonly total: number;
  /** Name of a unit a second, such as `images/s`; none where a rate says nothing. */
  readonly unit?: string;
  /** Turns a rate into text; the default rounds it. */
  readonly formatRate?: (perSecond: number) => string;
  /** Seconds between plain lines where the stream is not a terminal. */
  readonly plainInterval?: number;
  readonly stream?: NodeJS.WriteStream;
}

/** Progress of one long piece of work: a bar with rate and time left on a terminal, plain lines elsewhere. */
export interface Progress {
  /** Sets how many units are done, with a few more words to show (a loss, a file name). */
  update(done: number, note?: string): void;
  /** Ends the bar and erases it from a terminal, so that a summary line can take its place. */
  stop(): void;
}

/** Starts a progress display on stderr. */
export function startProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr;
  const started = performance.now();
  const describe = (done: number) => {
    const seconds = (performance.now() - started) / 1000;
    const rate = seconds > 0 ? done / seconds : 0;
    const left = rate > 0 ? formatSeconds(Math.max(0, options.total - done) / rate) : '–';
    const rateText = options.unit === undefined ? '' : `${(options.formatRate ?? defaultRate)(rate)} ${options.unit}`;
    return { rateText, left };
  };
  return stream.isTTY ? terminalBar(options, stream, describe) : plainLines(options, stream, describe);
}

type Describe = (done: number) => { rateText: string; left: string };

const defaultRate = (rate: number) => (rate >= 100 ? rate.toFixed(0) : rate.toFixed(1));

function terminalBar(options: ProgressOptions, stream: NodeJS.WriteStream, describe: Describe): Progress {
  const bar = new SingleBar({
    stream,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 28,
    fps: 8,
    linewrap: false,
    format: `{label} {bar} {percentage}% {rateText} · {left} left {note}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
  });
  bar.start(options.total, 0, { label: options.label, ...describe(0), note: '' });
  return {
    update: (done, note = '') => bar.update(done, { ...describe(done), note }),
    stop: () => bar.stop(),
  };
}

function plainLines(options: ProgressOptions, stream: NodeJS.WriteStream, describe: Describe): Progress {
  const interval = (options.plainInterval ?? 10) * 1000;
  let last = performance.now();
  return {
    update(done, note = '') {
      if (performance.now() - last < interval) return;
      last = performance.now();
      const { rateText, left } = describe(done);
      const percent = Math.min(100, Math.floor((100 * done) / Math.max(1, options.total)));
      const words = [`${percent}%`, rateText, `${left} left`, note].filter((word) => word !== '');
      stream.write(`${options.label}: ${words.join(' · ')}\n`);
    },
    stop() {},
  };
}
