import { buildModel, type Classifier } from '../../models/index.ts';
import { HeldTogether, jit, type Backend } from '../../runtime/index.ts';
import type { HostArray, HostTensor, TensorType } from '../../xla/index.ts';
import { tensorsOf } from '../run/checkpoint.ts';
import { divergedError, noteDiverged, readDiverged, type Diverged, type DivergedRun, type DivergedStep } from './diverged.ts'; // prettier-ignore
import type { TrainingError } from '../errors.ts';
import { firstUnsound } from './first-unsound.ts';
import { freezing, headFreezing } from '../recipe/freeze.ts';
import { Inspection, inspectionInputs, type Inspected } from './inspection.ts';
import { phasesOf } from '../phase/phase.ts';
import { splitPhase } from '../features/feature-split.ts';
import { batchTypes, rowsPerReplica } from '../step/step.ts';
import { variableTypes } from '../step/train-state.ts';

/** What was found where in a step that was run again. */
export interface Diagnosis extends Inspected {
  readonly step: DivergedStep;
  /** Variables that were not finite before the step. */
  readonly variables: readonly string[];
  /** Images whose own loss is not finite. */
  readonly images: readonly string[];
  /** What went wrong first, in words; undefined where nothing did. */
  readonly first: string | undefined;
}

/**
 * Runs the step that a run kept once more, and looks at what each layer gives. The backend should have as many replicas as
 * the run had: each takes batch-norm statistics of its own rows.
 *
 * @throws CheckpointError where the run kept no step.
 */
export async function diagnose(backend: Backend, out: string): Promise<Diagnosis> {
  return inspect(backend, await readDiverged(out));
}

/** The error of a run that ends with a step, with the layer where there was a way to find it. */
export async function explainDivergence(backend: Backend, out: string, diverged: Diverged): Promise<TrainingError> {
  const { step, limit } = diverged;
  let first: string | undefined;
  if (backend.host.count === 1) {
    // The user is told of the step, whatever else is wrong, such as too little memory to look closer.
    first = await diagnose(backend, out).then((found) => found.first, () => undefined); // prettier-ignore
    if (first !== undefined) await noteDiverged(out, step, first);
  }
  return divergedError(step, { first, limit });
}

async function inspect(backend: Backend, { step, checkpoint, batch }: DivergedRun): Promise<Diagnosis> {
  const { info } = checkpoint;
  const phase = phasesOf(info.recipe)[info.phase.index];
  const { model: network, size, preprocess } = info;
  const { computeType } = step;
  const model = buildModel({ ...network, classes: info.classNames.length, size, preprocess, computeType });
  const head = step.onFeatures ? splitPhase(model, phase)?.head : undefined;
  const classifier: Classifier = head ?? model;
  const whole = freezing(model, phase);
  const own = head === undefined ? whole : headFreezing(whole, head);
  const perReplica = rowsPerReplica(phase.batchSize, backend.replicas);
  const rows = perReplica / phase.accumulate;
  const inspection = new Inspection({
    classifier,
    recipe: phase,
    freezing: own,
    classWeights: step.classWeights,
    augment: head === undefined ? phase.augment : undefined,
    replicas: backend.replicas,
    trained: own.trained.map(({ path }) => path),
    rows: perReplica,
  });
  const types = variableTypes(classifier);
  const values = tensorsOf(checkpoint, types);
  using held = new HeldTogether();
  const program = await jit(backend, inspection.body, [types, batchTypes(classifier, rows), inspectionInputs], {
    name: `${classifier.name}_debug`,
  });
  held.keep(program);
  const weights = held.keepArrays(await backend.replicateTree(values));
  const losses = new Float32Array(phase.batchSize);
  const examples = (batch.mask.data as Uint8Array).reduce((total, value) => total + value, 0);
  for (let part = 0; part < phase.accumulate; part++) {
    using partHeld = new HeldTogether();
    const places = Array.from({ length: backend.replicas }, (_, replica) =>
      Array.from({ length: rows }, (__, row) => replica * perReplica + part * rows + row),
    ).flat();
    const take = async ({ shape, dtype, data }: HostTensor) => {
      const type = { shape: [places.length, ...shape.slice(1)], dtype };
      return partHeld.keep(await backend.shard(rowsOf(data, data.length / shape[0], places), type));
    };
    const arrays = { images: await take(batch.images), labels: await take(batch.labels), mask: await take(batch.mask) };
    const { key, step: number, offset, examples: count } = inspectionInputs;
    const tensor = (data: Uint32Array | Float32Array, type: TensorType): HostTensor => ({ ...type, data });
    const inputs = partHeld.keepArrays(
      await backend.replicateTree({
        key: tensor(Uint32Array.of(Math.floor(step.seed / 2 ** 32), step.seed), key),
        step: tensor(Uint32Array.of(info.step), number),
        offset: tensor(Uint32Array.of(part * rows), offset),
        examples: tensor(Float32Array.of(examples), count),
      }),
    );
    const result = partHeld.keepArrays(await program(weights, arrays, inputs));
    inspection.add((await result.figures.toHost()) as Float32Array);
    const partLosses = (await backend.gather(result.losses)) as Float32Array;
    for (const [i, place] of places.entries()) losses[place] = partLosses[i];
  }
  const variables = Object.entries({ ...values.params, ...values.statistics }).flatMap(([path, { data }]) =>
    (data as Float32Array).every(Number.isFinite) ? [] : [path],
  );
  const valid = [...losses.keys()].filter((row) => batch.mask.data[row] === 1);
  const images = valid.flatMap((row, n) => (Number.isFinite(losses[row]) ? [] : [step.images[n]]));
  const found = { ...inspection.result(), step, variables, images };
  return { ...found, first: firstUnsound(found) };
}

/** Some rows of a batch, each of so many numbers. */
function rowsOf(data: HostArray, length: number, places: readonly number[]): HostArray {
  const taken = data.slice(0, places.length * length);
  for (const [i, place] of places.entries()) {
    taken.set(data.subarray(place * length, (place + 1) * length) as never, i * length);
  }
  return taken;
}
