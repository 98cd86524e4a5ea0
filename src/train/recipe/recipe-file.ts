import { readFile } from 'node:fs/promises';
import { isMap, isNode, isScalar, LineCounter, parseDocument, YAMLParseError, type Document } from 'yaml';
import { isSystemError } from '../../base/index.ts';
import { RecipeError } from '../errors.ts';

/** A YAML (or JSON) file with a recipe as it is written, which is not checked yet. */
export class RecipeFile {
  readonly path: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly value: unknown;

  private constructor(path: string, document: Document, lines: LineCounter) {
    this.path = path;
    this.#document = document;
    this.#lines = lines;
    this.value = document.toJS();
  }

  /** @throws RecipeError with the line. */
  static async read(path: string): Promise<RecipeFile> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (cause) {
      const missing = isSystemError(cause, 'ENOENT');
      throw new RecipeError('RECIPE_FILE', missing ? `there is no recipe ${path}` : `can't read the recipe ${path}`, {
        cause,
      });
    }
    try {
      const lineCounter = new LineCounter();
      const document = parseDocument(text, { lineCounter });
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return new RecipeFile(path, document, lineCounter);
    } catch (cause) {
      // Besides what the parser finds: an alias of nothing, aliases of aliases that would fill the memory, a nesting too deep.
      throw new RecipeError('RECIPE_FILE', `${path}${positionOf(cause)}: ${reasonOf(cause as Error)}`, { cause });
    }
  }

  /** Whether the file has the setting at this path. */
  has(path: readonly PropertyKey[]): boolean {
    return path.length === 0 || this.#document.hasIn(path);
  }

  /** Where a setting stands, `FILE:LINE:COLUMN`, or the nearest one around it; the file alone where there is none. */
  placeOf(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length--) {
      const start = this.#startOf(path.slice(0, length));
      if (start === undefined) continue;
      const { line, col } = this.#lines.linePos(start);
      return `${this.path}:${line}:${col}`;
    }
    return this.path;
  }

  /** Where the name of a setting begins, or an item of a list; undefined for what the file doesn't have. */
  #startOf(path: readonly PropertyKey[]): number | undefined {
    const around = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
    const name = String(path[path.length - 1]);
    const key = isMap(around)
      ? around.items.find((item) => isScalar(item.key) && String(item.key.value) === name)?.key
      : this.#document.getIn(path, true);
    return isNode(key) ? key.range?.[0] : undefined;
  }
}

/** Reads a YAML (or JSON) file as it is, for flags to be laid over it. @throws RecipeError with the line. */
export const readRecipeFile = async (path: string): Promise<unknown> => (await RecipeFile.read(path)).value;

function positionOf(cause: unknown): string {
  if (!(cause instanceof YAMLParseError) || cause.linePos === undefined) return '';
  const [{ line, col }] = cause.linePos;
  return `:${line}:${col}`;
}

/** What a parser says, without the place, which stands before it, and without the lines that it quotes. */
function reasonOf({ message }: Error): string {
  return message
    .split('\n')[0]
    .replace(/ at line \d+, column \d+:?$/, '')
    .replace(/:$/, '');
}
