import { InferenceSession, Tensor } from 'onnxruntime-web';
import { onnxModel, type OnnxPrecision } from '../src/export/index.ts';
import type { ExportedModel } from '../src/models/index.ts';
import type { Backend } from '../src/runtime/index.ts';
import { logitsOf, relativeError } from './logits.ts';

/** What the logits may differ by, of the greatest of them: float16 has three digits, and errors add up over a hundred layers. */
export const ONNX_TOLERANCES: Readonly<Record<OnnxPrecision, number>> = { float32: 1e-4, float16: 2e-2 };

/** Relative error of the logits that ONNX Runtime computes from our export, beside our own in float32. */
export async function checkOnnx(
  backend: Backend,
  exported: ExportedModel,
  pixels: Uint8Array,
  precisions: readonly OnnxPrecision[],
): Promise<number[]> {
  const { model, values, preprocess } = exported;
  const ours = await logitsOf(backend, model, values, preprocess, pixels);
  const errors: number[] = [];
  for (const precision of precisions) {
    const { logits } = await runOnnx(onnxModel(exported, precision), pixels, exported);
    errors.push(relativeError(logits, ours));
  }
  return errors;
}

/** Runs a model in ONNX Runtime. */
export async function runOnnx(
  bytes: Uint8Array,
  pixels: Uint8Array,
  { model: { size } }: Pick<ExportedModel, 'model'>,
): Promise<{ logits: number[]; probabilities: number[] }> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  try {
    const { height, width } = size;
    const images = new Tensor('uint8', pixels, [pixels.length / (height * width * 3), height, width, 3]);
    const { logits, probabilities } = await session.run({ images });
    return { logits: numbers(logits), probabilities: numbers(probabilities) };
  } finally {
    await session.release();
  }
}

const numbers = ({ data }: { readonly data: Tensor['data'] }): number[] => Array.from(data as Float32Array, Number);
