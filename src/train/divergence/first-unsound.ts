import { formatCount } from '../../base/index.ts';
import type { Inspected, Soundness } from './inspection.ts';

const isUnsound = (sound: Soundness | undefined): sound is Soundness => sound !== undefined && sound.unsound > 0;

const share = ({ unsound, count }: Soundness): string => `${formatCount(unsound)} of ${formatCount(count)} numbers`;

/** What in a step was not finite before all else, along the way forward and back; undefined where all was. */
export function firstUnsound(
  found: Inspected & { readonly variables: readonly string[]; readonly images: readonly string[] },
): string | undefined {
  const { layers, statistics, variables, images } = found;
  if (variables.length > 0) return `the variable ${variables[0]} was not finite before the step`;
  const forward = layers.find(({ output }) => isUnsound(output));
  if (forward !== undefined) {
    const what = forward.layer === 'input' ? 'what the network is given' : `the output of ${forward.layer}`;
    return `${what} is not finite first (${share(forward.output)})`;
  }
  if (images.length > 0) return 'the loss is not finite, though the logits are';
  for (const { layer, gradient, parameters } of layers.toReversed()) {
    if (isUnsound(gradient)) return `the gradient at the output of ${layer} is not finite first (${share(gradient)})`;
    const own = parameters.find((parameter) => isUnsound(parameter.gradient));
    if (own !== undefined) return `the gradient of ${own.path} is not finite first (${share(own.gradient)})`;
  }
  const statistic = statistics.find(({ value }) => isUnsound(value));
  if (statistic !== undefined) return `the moving statistic ${statistic.path} is not finite first (${share(statistic.value)})`; // prettier-ignore
  const great = layers
    .flatMap(({ parameters }) => parameters)
    .filter(({ gradient }) => gradient.greatest > LARGEST_SQUARED)
    .toSorted((a, b) => b.gradient.greatest - a.gradient.greatest);
  return great.length === 0 ? undefined : `the gradient of ${great[0].path} is too great to be squared (up to ${great[0].gradient.greatest.toExponential(1)})`; // prettier-ignore
}

/** The square of a greater number is infinite in float32. */
const LARGEST_SQUARED = 1.8e19;
