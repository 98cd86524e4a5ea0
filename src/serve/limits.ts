/** What a server takes from strangers; a request beyond a limit is refused before it costs much. */
export interface Limits {
  /** Bytes of one image, uploaded or fetched. */
  readonly imageBytes: number;
  /** Bytes of one request's body, whatever it holds, and of all bodies and fetched images held at a time. */
  readonly bodyBytes: number;
  readonly heldBytes: number;
  /** Images in one request. */
  readonly images: number;
  /** Pixels of one image. */
  readonly pixels: number;
  /** Seconds for one image to be decoded. */
  readonly decodeSeconds: number;
  /** Seconds from the first byte of a request's headers to its last, and of its body to its last. */
  readonly headerSeconds: number;
  readonly bodySeconds: number;
  /** Seconds for a client to take an answer. */
  readonly answerSeconds: number;
  /** Seconds that a server which is stopping waits for requests that are still arriving. */
  readonly stopSeconds: number;
  /** Seconds for a URL's image to arrive, all redirects included. */
  readonly fetchSeconds: number;
  readonly redirects: number;
  /** URLs fetched at a time, for all clients and for each. */
  readonly fetches: number;
  readonly clientFetches: number;
  /** Connections open at a time. */
  readonly connections: number;
  /** Requests of one connection that wait for their answers; it is cut off at one more. Browsers send one at a time. */
  readonly pipelined: number;
  /** Seconds that an image may have to wait for its turn; a request that would wait longer gets status 429. */
  readonly queueSeconds: number;
  /** Images a client may send a second in the long run, and at once; 0 for no limit. */
  readonly imagesPerSecond: number;
  readonly burst: number;
}

/** Limits unless told otherwise. */
export const DEFAULT_LIMITS: Limits = {
  imageBytes: 10 * 2 ** 20,
  bodyBytes: 48 * 2 ** 20,
  heldBytes: 256 * 2 ** 20,
  images: 16,
  pixels: 50_000_000,
  decodeSeconds: 10,
  headerSeconds: 10,
  bodySeconds: 30,
  answerSeconds: 30,
  stopSeconds: 10,
  fetchSeconds: 10,
  redirects: 3,
  fetches: 8,
  clientFetches: 4,
  connections: 512,
  pipelined: 8,
  queueSeconds: 1,
  imagesPerSecond: 10,
  burst: 40,
};

/** Bytes of a form around its only image. */
const FORM_BYTES = 2 ** 20;
/** Bodies of the greatest size that are held at a time. */
const BODIES = 4;

/** All limits where some are given. Bodies, and what is held of all of them, have room for the images unless they are given, too. */
export function completeLimits(given: Partial<Limits> = {}): Limits {
  const { imageBytes = DEFAULT_LIMITS.imageBytes } = given;
  const bodyBytes = given.bodyBytes ?? Math.max(DEFAULT_LIMITS.bodyBytes, imageBytes + FORM_BYTES);
  const heldBytes = Math.max(DEFAULT_LIMITS.heldBytes, BODIES * bodyBytes);
  return { ...DEFAULT_LIMITS, bodyBytes, heldBytes, ...given };
}
