/** One line of the doctor's list. */
export interface Check {
  readonly name: string;
  /** `ok`; a `problem` that the user should do something about; or `none`: not there, and not needed. */
  readonly state: 'ok' | 'problem' | 'none';
  readonly text: string;
  /** What the user can do. */
  readonly todo?: string;
  /** How many devices a plugin gives; none where it wasn't asked to take hold of any. */
  readonly devices?: number;
}

/** Checks under a heading. */
export interface Section {
  readonly title: string;
  readonly checks: readonly Check[];
}

const MARKS: Record<Check['state'], string> = { ok: '✓', problem: '✗', none: '–' };

/** The list as text, a line a check, with what to do under it. */
export function formatSections(sections: readonly Section[]): string {
  const width = Math.max(...sections.flatMap(({ checks }) => checks.map(({ name }) => name.length)));
  const indent = ' '.repeat(width + 6);
  return sections
    .map(({ title, checks }) => {
      const lines = checks.flatMap(({ name, state, text, todo }) => [
        `  ${MARKS[state]} ${name.padEnd(width)}  ${text.replaceAll('\n', `\n${indent}`)}`,
        ...(todo === undefined ? [] : [`${indent}→ ${todo.replaceAll('\n', `\n${indent}  `)}`]),
      ]);
      return [title, ...lines].join('\n');
    })
    .join('\n\n');
}
