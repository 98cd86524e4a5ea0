import type { z } from 'zod';
import { setSetting } from '../../base/index.ts';
import { lossSchema } from '../step/loss.ts';
import { optimizerSchema } from '../step/optimizer.ts';
import { scheduleSchema } from '../step/schedule.ts';

/** Settings that come in kinds, each of which has settings of its own. */
const KINDS = { optimizer: optimizerSchema, schedule: scheduleSchema, loss: lossSchema } as const;

/**
 * Sets a setting of a recipe at a dotted path. Another kind of optimiser, schedule or loss keeps what it knows of the settings
 * of the one before: Adam has no weight decay to take from AdamW.
 */
export function setRecipeSetting(recipe: Record<string, unknown>, path: string, value: unknown): void {
  setSetting(recipe, path, value);
  const names = path.split('.');
  const schema = names.at(-1) === 'name' ? KINDS[names.at(-2) as keyof typeof KINDS] : undefined;
  const kind = schema?.options.find(({ shape }: z.ZodObject<{ name: z.ZodLiteral }>) => shape.name.value === value);
  if (kind === undefined) return;
  let settings = recipe;
  for (const name of names.slice(0, -1)) settings = settings[name] as Record<string, unknown>;
  for (const name of Object.keys(settings)) if (!Object.hasOwn(kind.shape, name)) delete settings[name];
}
