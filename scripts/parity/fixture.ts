import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const matrix = z.array(z.array(z.number()));

/** What keras.applications gives for weights and images that a formula defines; the README beside the files has it. */
const fixtureSchema = z.object({
  model: z.string(),
  size: z.int(),
  classes: z.int(),
  labels: z.array(z.int()),
  preprocess: z.string(),
  parameters: z.int(),
  variables: z.array(z.object({ path: z.string(), shape: z.array(z.int()), trainable: z.boolean() })),
  inference_logits: matrix,
  training: z.object({ logits: matrix, loss: z.number(), gradient_norms: z.record(z.string(), z.number()) }),
});

export type Fixture = z.output<typeof fixtureSchema>;

/** Reads a fixture; undefined for a JSON file of another kind. */
export async function readFixture(path: string): Promise<Fixture | undefined> {
  const value: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (typeof value !== 'object' || value === null || !('inference_logits' in value)) return undefined;
  return fixtureSchema.parse(value);
}
