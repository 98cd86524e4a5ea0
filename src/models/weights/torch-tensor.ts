import { byteSize, elementCount, formatShape, type DType, type HostTensor } from '../../xla/index.ts';
import { PickleClass, PickleObject, type PickleValue } from './pickle-value.ts';
import { arrayOf, gatherStrided, type StoredTensor } from './stored-tensor.ts';
import { WeightsError } from './weights-error.ts';

const STORAGES: Readonly<Record<string, DType>> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

/** A run of numbers in a file, of which tensors are views. */
export class TorchStorage extends PickleObject {
  readonly kind = 'storage';
  readonly key: string;
  readonly dtype: DType;
  readonly length: number;
  /** Its bytes, once the file's reader has found them. */
  bytes: Uint8Array | undefined;

  constructor(key: string, dtype: DType, length: number) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.length = length;
  }
}

/** A view of a storage. */
class TorchTensor extends PickleObject {
  readonly kind = 'tensor';
  readonly storage: TorchStorage;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    super();
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** PyTorch's own limit. A small file may give one tuple of a million sizes to each of thousands of tensors. */
const MOST_AXES = 64;

const isSize = (value: PickleValue): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isSizes = (value: PickleValue): value is readonly number[] =>
  Array.isArray(value) && value.length <= MOST_AXES && value.every(isSize);

/** All that a PyTorch file may name: what holds tensors, and nothing that does anything. */
export function torchClasses(place: string): ReadonlyMap<string, PickleClass> {
  const classes = [
    new PickleClass('collections.OrderedDict', (args) => {
      if (args.length > 0) throw corrupt(place, 'an OrderedDict with arguments');
      return new Map();
    }),
    new PickleClass('torch._utils._rebuild_tensor_v2', (args) => rebuildTensor(place, args)),
    new PickleClass('torch._utils._rebuild_parameter', ([tensor]) => {
      if (!(tensor instanceof TorchTensor)) throw corrupt(place, 'a parameter of no tensor');
      return tensor;
    }),
    new PickleClass('torch.Size', ([sizes]) => sizes ?? []),
    ...Object.keys(STORAGES).map((name) => new PickleClass(`torch.${name}`)),
  ];
  return new Map(classes.map((known) => [known.name, known]));
}

function rebuildTensor(place: string, [storage, offset, shape, strides]: readonly PickleValue[]): TorchTensor {
  const fits = storage instanceof TorchStorage && isSize(offset) && isSizes(shape) && isSizes(strides);
  if (!fits || shape.length !== strides.length) throw corrupt(place, 'the arguments of a tensor make no sense');
  return new TorchTensor(storage, offset, shape, strides);
}

/** The storage that a pickle's persistent id `('storage', type, key, device, length, …)` names; each is made once. */
export function namedStorage(place: string, id: PickleValue, storages: Map<string, TorchStorage>): TorchStorage {
  const [tag, type, key, , length, view] = Array.isArray(id) ? (id as readonly PickleValue[]) : [];
  const dtype = type instanceof PickleClass ? STORAGES[type.name.replace(/^torch\./, '')] : undefined;
  if (tag !== 'storage' || dtype === undefined || typeof key !== 'string' || !isSize(length)) {
    throw corrupt(place, 'a storage in it makes no sense');
  }
  if (view !== undefined && view !== null) throw corrupt(place, 'a storage that is a part of another one');
  const known = storages.get(key);
  if (known === undefined) {
    const storage = new TorchStorage(key, dtype, length);
    storages.set(key, storage);
    return storage;
  }
  if (known.dtype !== dtype || known.length !== length) throw corrupt(place, `storage ${key} is two things at once`);
  return known;
}

/** Keys under which training scripts keep the weights beside an optimiser and an epoch. */
const NESTED = ['state_dict', 'model_state_dict', 'model'];

/** What PyTorch's own wrappers put before each name: `DataParallel`, `AveragedModel` and `torch.compile`. */
const WRAPPERS = /^((module|_orig_mod)\.)+/;

/** How many models `AveragedModel` has averaged. */
const AVERAGED_COUNT = 'n_averaged';

/** The tensors of a state dict by name. @throws WeightsError where a tensor reaches beyond its storage. */
export function stateDict(place: string, value: PickleValue): Map<string, StoredTensor> {
  if (!(value instanceof Map)) throw corrupt(place, 'it holds no dict of tensors');
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of weightsIn(place, value)) {
    if (typeof name !== 'string' || !(tensor instanceof TorchTensor) || name === AVERAGED_COUNT) continue;
    tensors.set(name.replace(WRAPPERS, ''), storedTensor(place, name, tensor));
  }
  if (tensors.size === 0) throw corrupt(place, 'it holds no dict of tensors');
  return tensors;
}

type Dict = ReadonlyMap<PickleValue, PickleValue>;

/** The dict with the weights: that of a usual key, else the one with the most tensors, which may be the file's own. */
function weightsIn(place: string, value: Dict): Dict {
  const own = tensorCount(value);
  const nested = [...value]
    .flatMap(([key, dict]) =>
      typeof key === 'string' && dict instanceof Map ? [{ key, dict, count: tensorCount(dict) }] : [],
    )
    .filter(({ count }) => count > own);
  const usual = NESTED.map((name) => nested.find(({ key }) => key === name)).find((found) => found !== undefined);
  if (usual !== undefined) return usual.dict;
  const most = Math.max(...nested.map(({ count }) => count));
  const [first, ...others] = nested.filter(({ count }) => count === most);
  if (others.length === 0) return first?.dict ?? value;
  throw new WeightsError('WEIGHTS_FORMAT', `${place} holds several dicts of as many tensors`, {
    expected: `one, or one of them under ${NESTED.join(', ')}`,
    received: [first, ...others].map(({ key }) => key).join(', '),
    hint: 'save the one that is meant alone, with torch.save',
  });
}

const tensorCount = (dict: Dict): number =>
  [...dict.values()].reduce<number>((sum, value) => (value instanceof TorchTensor ? sum + 1 : sum), 0);

function storedTensor(place: string, name: string, { storage, offset, shape, strides }: TorchTensor): StoredTensor {
  const { dtype, length, bytes } = storage;
  const count = elementCount(shape);
  const last = count === 0 ? -1 : shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
  // More elements than the storage has would only be repetitions, with which a small file can fill the memory.
  if (last >= length || count > length) {
    throw new WeightsError('WEIGHTS_CORRUPT', `${place}: tensor ${name} reaches beyond its storage`, {
      expected: `at most ${length} elements`,
      received: `${formatShape(shape)} from element ${offset} on`,
    });
  }
  if (bytes === undefined) throw corrupt(place, `the numbers of tensor ${name} are missing`);
  const read = (): HostTensor => {
    const size = byteSize(dtype);
    const own = arrayOf(dtype, bytes.subarray(offset * size, (last + 1) * size));
    return { shape, dtype, data: gatherStrided(own, dtype, { shape, strides, offset: 0 }) };
  };
  return { shape, dtype, read };
}

/** Bytes that a storage takes in a file. */
export const storageBytes = ({ dtype, length }: TorchStorage): number => length * byteSize(dtype);

export const corrupt = (place: string, what: string): WeightsError =>
  new WeightsError('WEIGHTS_CORRUPT', `${place} is no whole PyTorch file: ${what}`, {
    hint: 'bring the file again',
  });
