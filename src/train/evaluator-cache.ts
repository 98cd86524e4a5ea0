import { createHash } from 'node:crypto';
import type { Classifier } from '../models/index.ts';
import type { Backend } from '../runtime/index.ts';
import { lowerToStableHlo } from '../xla/index.ts';
import { compileEvaluator, type Evaluator } from './evaluate.ts';
import { evaluationProgram } from './programs.ts';

/** Programs that are kept: on a TPU each takes memory of the device. */
const KEPT = 4;

/**
 * Evaluators for runs one after the other, such as those of a search: what differs between them, such as rates, decay and dropout,
 * is no part of an evaluation, and on CPUs programs for inference can't be kept on disk.
 */
export class EvaluatorCache {
  /** Least recently used first. */
  readonly #held = new Map<string, Evaluator & { dispose(): void }>();

  /** The evaluator that is known, or a new one. It stays usable until three others were taken after it, or all are disposed of. */
  async take(backend: Backend, classifier: Classifier, batchSize: number): Promise<Evaluator> {
    const { graph } = evaluationProgram(classifier, { batchSize }, backend.replicas);
    const key = createHash('sha256').update(lowerToStableHlo(graph)).digest('hex');
    const evaluator = this.#held.get(key) ?? (await compileEvaluator(backend, classifier, batchSize));
    this.#held.delete(key);
    this.#held.set(key, evaluator);
    for (const [old, each] of this.#held) {
      if (this.#held.size <= KEPT) break;
      this.#held.delete(old);
      each.dispose();
    }
    return evaluator;
  }

  dispose(): void {
    for (const evaluator of this.#held.values()) evaluator.dispose();
    this.#held.clear();
  }
}
