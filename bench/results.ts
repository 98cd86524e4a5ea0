import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { formatBytes, isSystemError, writeFile } from '../src/base/index.ts';
import { boundOf } from './bounds.ts';
import { toMarkdown, type Row } from './row.ts';

const ROWS = join(import.meta.dirname, 'results.json');
const PAGE = join(import.meta.dirname, 'RESULTS.md');

/** A row with the machine that it was measured on. */
type Recorded = Row & { readonly machine: string };

/** A case's name ends before a colon, behind which is what stands in a model's place. */
const nameOf = (row: Row): string => row.case.split(': ')[0];
const subjectOf = ({ case: name, model }: Row): string => model ?? name.split(': ')[1] ?? '';
/** What rows are compared within. */
const groupOf = (row: Row): string =>
  [
    `${nameOf(row)}, batch ${row.batch}, ${row.size} px`,
    ...(row.threads === undefined ? [] : [`on ${row.threads} of the processors`]),
    ...(row.device === undefined ? [] : [row.device]),
    ...(row.precision === undefined ? [] : [row.precision]),
  ].join(', ');
const isSepal = ({ system }: Row): boolean => system.startsWith('Sepal');

/** Puts rows in the place of those of the same case, model, batch and size on the same machine, and writes the page anew. */
export async function record(rows: readonly Row[]): Promise<void> {
  const machine = describeMachine();
  const same = (a: Recorded, b: Row) =>
    a.machine === machine && groupOf(a) === groupOf(b) && subjectOf(a) === subjectOf(b);
  const kept = (await readRows()).filter((old) => !rows.some((row) => same(old, row)));
  const all: Recorded[] = [...kept, ...rows.map((row) => ({ ...row, machine }))];
  await writeFile(ROWS, `${JSON.stringify(all, null, 2)}\n`);
  await writeFile(PAGE, toPage(all));
}

async function readRows(): Promise<Recorded[]> {
  try {
    return JSON.parse(await readFile(ROWS, 'utf8')) as Recorded[];
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

const describeMachine = (): string =>
  `${availableParallelism()} × ${cpus()[0].model.trim()}, ${formatBytes(totalmem())}, ${type()} ${arch()}, Node ${process.version}`;

function toPage(rows: readonly Recorded[]): string {
  // The one that was measured on last comes first.
  const machines = [...new Set(rows.map(({ machine }) => machine).toReversed())];
  const systems = [...new Set(rows.map(({ system }) => system))].toSorted();
  return [
    '# Sepal beside its peers',
    '',
    'Written by `npm run bench -- train|inference|startup|input --record`; the rows are in `results.json`. All systems take turns',
    'in one run on one machine, float32, all processors unless said: in training four steps behind one that is not counted, else one step, of input a pass.',
    'Seconds: the fastest step (the one in the middle). The ratio is of the fastest steps, to the best peer: below 1 Sepal',
    'is faster. Below a table: what bounds Sepal where it is behind.',
    '',
    systems.join('; '),
    '',
    ...machines.flatMap((machine) => toMachineSection(machine, rows.filter((row) => row.machine === machine))), // prettier-ignore
  ].join('\n');
}

const toMachineSection = (machine: string, rows: readonly Row[]): string[] => [
  `## ${machine}`,
  '',
  ...toRatioTable(rows),
  toResultsTable(rows, '###'),
  '',
];

/** Every model's ratio to the best peer in every case that several models ran: the page's answer before its figures. */
function toRatioTable(rows: readonly Row[]): string[] {
  const modelsOf = (group: readonly Row[]): string[] => [...new Set(group.map(subjectOf))];
  const groups = [
    ...Map.groupBy(
      rows.filter(({ model }) => model !== null),
      groupOf,
    ),
  ]
    .filter(([, members]) => modelsOf(members).length > 1 && members.some((row) => !isSepal(row)))
    .toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  if (groups.length === 0) return [];
  const models = modelsOf(groups.flatMap(([, members]) => members)).toSorted();
  const ratio = (members: readonly Row[], model: string): string =>
    ratioOf(members.filter((row) => row.model === model))?.toFixed(2) ?? '–';
  return [
    '### Ratios to the best peer',
    '',
    toMarkdown([
      ['model', ...groups.map(([name]) => name)],
      ...models.map((model) => [model, ...groups.map(([, members]) => ratio(members, model))]),
    ]),
    '',
  ];
}

/** A table for each case under a heading of this level: a model, or what a case is about, a line, a system a column. Below it, why Sepal is behind where it is. */
export function toResultsTable(rows: readonly Row[], heading = '##'): string {
  const groups = [...new Set(rows.map(groupOf))].toSorted();
  return groups
    .map((group) => {
      const members = rows.filter((row) => groupOf(row) === group);
      const systems = [...new Set(members.map(({ system }) => system))];
      const subjects = [...new Set(members.map(subjectOf))].map((subject) =>
        members.filter((row) => subjectOf(row) === subject),
      );
      const head = [
        members[0].model === null ? 'what' : 'model',
        ...systems,
        'ratio to the best peer',
        `peak memory (${systems.join(' / ')})`,
      ];
      const table = toMarkdown([head, ...subjects.map((each) => toLine(each, systems))]);
      return [`${heading} ${group}`, '', table, ...bounds(subjects)].join('\n');
    })
    .join('\n\n');
}

/** What bounds the subjects for which Sepal is behind, as a list: those with the same reason together. */
function bounds(subjects: readonly (readonly Row[])[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const rows of subjects) {
    const subject = subjectOf(rows[0]);
    const because = boundOf({ ...rows[0], name: nameOf(rows[0]), subject }, ratioOf(rows) ?? 0);
    if (because !== undefined) reasons.set(because, [...(reasons.get(because) ?? []), subject]);
  }
  return reasons.size === 0
    ? []
    : ['', ...[...reasons].map(([because, names]) => `- ${names.map((name) => `**${name}**`).join(', ')}: ${because}`)];
}

/** Sepal's fastest step to the best peer's, as it is shown; undefined where one of the two is missing. */
function ratioOf(rows: readonly Row[]): number | undefined {
  const own = rows.find(isSepal);
  const peers = rows.filter((row) => !isSepal(row)).map((row) => row.seconds_min);
  return own === undefined || peers.length === 0
    ? undefined
    : Math.round((own.seconds_min / Math.min(...peers)) * 100) / 100;
}

function toLine(rows: readonly Row[], systems: readonly string[]): string[] {
  const cells = systems.map((system) => rows.find((row) => row.system === system));
  return [
    subjectOf(rows[0]),
    ...cells.map((row) => (row === undefined ? '–' : `${row.seconds_min.toFixed(3)} (${row.seconds_median.toFixed(3)})`)), // prettier-ignore
    ratioOf(rows)?.toFixed(2) ?? '–',
    cells.map((row) => (row === undefined ? '–' : formatBytes(row.peak_rss_bytes))).join(' / '),
  ];
}
