import { z } from 'zod';
import { preprocessSchema, type Preprocess } from '../preprocess.ts';
import { AS_IT_IS, type Origin, type Placements } from './placement.ts';
import type { TensorFile } from './tensor-file.ts';

/** Folders of a checkpoint that hold variables. */
const FOLDERS = ['params/', 'statistics/'];

/** What else a checkpoint holds. */
const REST = /^(slots|ema|metrics)\/|^(step|updates)$/;

const descriptionSchema = z.object({
  model: z.object({ name: z.string(), options: z.record(z.string(), z.unknown()) }),
  size: z.object({ height: z.int(), width: z.int() }),
  preprocess: preprocessSchema,
});

/** Where files that `sepal export` wrote in others' names say what their weights expect of pixels, as JSON. */
export const PREPROCESS_KEY = 'preprocess';

/** What an exported file says of its preprocessing; undefined for files that others wrote. */
export function statedPreprocess({ metadata }: Pick<TensorFile, 'metadata'>): Preprocess | undefined {
  return preprocessSchema.safeParse(parseJson(metadata[PREPROCESS_KEY])).data;
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A model that `sepal train` saved, as its file describes it. */
export interface OwnFile extends Origin {
  readonly model: string;
  readonly size: { readonly height: number; readonly width: number };
}

/** Reads the description; undefined for files that others wrote. */
export function describeOwnFile({ metadata }: TensorFile): OwnFile | undefined {
  const { data } = descriptionSchema.safeParse(parseJson(metadata.sepal));
  if (data === undefined) return undefined;
  const { model, size, preprocess } = data;
  return { name: 'Sepal', model: model.name, options: model.options, size, preprocess };
}

/** Variables under their own paths. */
export function ownPlacements(paths: readonly string[], tensors: TensorFile['tensors']): Placements {
  const places = paths.map((path) => {
    const folder = FOLDERS.find((prefix) => tensors.has(`${prefix}${path}`)) ?? '';
    return [path, { name: `${folder}${path}`, layout: AS_IT_IS }] as const;
  });
  return { of: new Map(places), ignored: (name) => REST.test(name) };
}
