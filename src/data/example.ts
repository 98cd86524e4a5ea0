import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { DataError, type Place } from './data-error.ts';
import { ExampleSchema, type Feature, type FeatureSchema } from './example_pb.ts';

/** The kinds a feature of a `tf.train.Example` has; `unset` is how writers say that a value is missing. */
export type FeatureKind = 'bytes' | 'float' | 'int64' | 'unset';

export type Features = Readonly<Record<string, Feature>>;

/** Parses a record. Byte values are views into `data`, never copies. */
export function parseExample(data: Uint8Array, place: Place): Features {
  try {
    return fromBinary(ExampleSchema, data, { readUnknownFields: false }).features?.feature ?? {};
  } catch (cause) {
    throw new DataError('BAD_EXAMPLE', 'the record is no tf.train.Example', {
      place,
      hint: 'Sepal reads TFRecord files of tf.train.Example; SequenceExample and plain bytes are something else',
      cause,
    });
  }
}

/** Bytes of a record with these features: text is stored as bytes, an integer as int64, as TensorFlow does it. */
export function encodeExample(values: Readonly<Record<string, Uint8Array | string | number>>): Uint8Array {
  const feature: Record<string, MessageInitShape<typeof FeatureSchema>> = {};
  for (const [name, value] of Object.entries(values)) {
    feature[name] =
      typeof value === 'number'
        ? { kind: { case: 'int64List', value: { value: [BigInt(value)] } } }
        : { kind: { case: 'bytesList', value: { value: [typeof value === 'string' ? Buffer.from(value) : value] } } };
  }
  return toBinary(ExampleSchema, create(ExampleSchema, { features: { feature } }));
}

const KINDS = { bytesList: 'bytes', floatList: 'float', int64List: 'int64' } as const;

export function kindOf({ kind }: Feature): FeatureKind {
  return kind.case === undefined ? 'unset' : KINDS[kind.case];
}

/** The first byte string of a feature; undefined where it is missing, empty or of another kind. */
export function bytesValue(features: Features, name: string): Uint8Array | undefined {
  const kind = Object.hasOwn(features, name) ? features[name].kind : undefined;
  return kind?.case === 'bytesList' ? kind.value.value[0] : undefined;
}

/** The integers of a feature; none where it is missing or of another kind. */
export function integerValues(features: Features, name: string): readonly bigint[] {
  const kind = Object.hasOwn(features, name) ? features[name].kind : undefined;
  return kind?.case === 'int64List' ? kind.value.value : [];
}
