/** What is known of an object. */
export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
}

/** The objects and the "folders" (common starts of names) right below a prefix. */
export interface ObjectList {
  readonly objects: readonly ObjectInfo[];
  /** Prefixes that end with a slash. */
  readonly prefixes: readonly string[];
}

/** What Sepal needs of a bucket service: few calls, each made again by its caller where the connection fails. */
export interface ObjectStore {
  /** Size of an object; undefined where there is none. */
  size(bucket: string, key: string): Promise<number | undefined>;
  /** All names with a prefix; only the level below it with a delimiter, only the first page of them if asked. */
  list(
    bucket: string,
    prefix: string,
    options: { readonly delimiter?: '/'; readonly firstPage?: boolean },
  ): Promise<ObjectList>;
  /** Bytes `start` to `end`, both included. */
  stream(bucket: string, key: string, start: number, end: number): Promise<AsyncIterable<Uint8Array>>;
  /** Why a call failed. */
  failure(error: unknown): Failure;
}

export interface Failure {
  /** HTTP status; undefined where no answer came. */
  readonly status: number | undefined;
  readonly message: string;
  /** Why the service was asked without credentials; undefined where it was given some, or needs none. */
  readonly anonymous?: string;
}
