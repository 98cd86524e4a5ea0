import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFile } from '../base/index.ts';
import type { CompileTarget } from '../runtime/index.ts';
import type { RecipeProgram } from '../train/index.ts';
import { byteSize, elementCount } from '../xla/index.ts';
import { readHlo } from './hlo.ts';
import { profile } from './layer-costs.ts';

/** What a compiler made of a program. */
const compiledSchema = z.object({
  fits: z.literal(true),
  flops: z.number(),
  bytesAccessed: z.number(),
  /** Seconds that the compiler counts on at best. */
  seconds: z.number(),
  peakBytes: z.number(),
  argumentBytes: z.number(),
  tempBytes: z.number(),
  compileSeconds: z.number(),
  /** Cycles and temporary bytes of its schedule, and the layers that take most of them. */
  profile: z.object({
    cycles: z.number(),
    bytes: z.number(),
    layers: z.array(z.object({ layer: z.string(), cycles: z.number(), bytes: z.number() })).readonly(),
  }),
});

/** A program that was too large; the compiler stops at its temporary memory. */
const refusedSchema = z.object({
  fits: z.literal(false),
  argumentBytes: z.number(),
  tempBytes: z.number(),
  compileSeconds: z.number(),
});

const outcomeSchema = z.discriminatedUnion('fits', [compiledSchema, refusedSchema]);

export type CompiledCosts = z.output<typeof compiledSchema>;
export type Outcome = z.output<typeof outcomeSchema>;

/**
 * Compiles a program for a target. What came of it is kept in the folder `cache`: compiling takes minutes, and gives the
 * same again.
 */
export async function compileCosts(
  target: CompileTarget,
  { name, graph, donate }: RecipeProgram,
  cache: string | undefined,
): Promise<Outcome> {
  const text = target.text(graph, { name, donate, locations: true });
  if (cache === undefined) return compile(target, text, graph.parameters);
  const key = createHash('sha256').update(`${target.compiler} ${target.target.topology}\n`).update(text).digest('hex');
  const path = join(cache, `${key}.json`);
  const known = await readOutcome(path);
  if (known !== undefined) return known;
  const outcome = await compile(target, text, graph.parameters);
  // A cache that can't be written saves nothing, and that is all.
  await writeFile(path, JSON.stringify(outcome)).catch(() => {});
  return outcome;
}

async function readOutcome(path: string): Promise<Outcome | undefined> {
  try {
    return outcomeSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

async function compile(
  target: CompileTarget,
  text: string,
  parameters: RecipeProgram['graph']['parameters'],
): Promise<Outcome> {
  const started = performance.now();
  const compiled = await target.tryCompile(text);
  const compileSeconds = (performance.now() - started) / 1000;
  if ('neededBytes' in compiled) {
    const argumentBytes = parameters.reduce((sum, { shape, dtype }) => sum + elementCount(shape) * byteSize(dtype), 0);
    return { fits: false, argumentBytes, tempBytes: compiled.neededBytes, compileSeconds };
  }
  const { executable, costs } = compiled;
  const { format, code } = await executable.optimizedProgram();
  executable.destroy();
  return { fits: true, ...costs, compileSeconds, profile: profile(readHlo(format, code)) };
}
