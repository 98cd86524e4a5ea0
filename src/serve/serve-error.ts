import { SepalError, type ErrorDetails } from '../base/index.ts';

/** Every refusal by code: the HTTP status and what it means. The same table stands in docs/serving.md. */
export const PROBLEMS = {
  BAD_REQUEST: [400, 'the body or a parameter is malformed'],
  NO_IMAGE: [400, 'the request holds no image'],
  BAD_URL: [400, 'the URL is no plain http or https address'],
  ADDRESS_REFUSED: [403, 'the URL leads to an address or port that is not for everyone'],
  CROSS_SITE: [403, "another site's page sent the request"],
  NOT_FOUND: [404, 'there is nothing at this path'],
  METHOD_NOT_ALLOWED: [405, 'this path takes another method'],
  TOO_SLOW: [408, 'the request did not arrive in time'],
  TOO_LARGE: [413, 'an image, or the body, has too many bytes'],
  TOO_MANY_IMAGES: [413, 'the request holds too many images'],
  UNSUPPORTED_TYPE: [415, 'the content type or encoding of the request is not taken'],
  UNSUPPORTED_IMAGE: [415, 'the bytes are no JPEG, PNG, WebP, GIF or AVIF image'],
  WRONG_HOST: [421, 'the server does not answer under this host name'],
  BAD_IMAGE: [422, 'the image is damaged or truncated'],
  TWO_FORMATS: [422, 'the image is a file of another kind as well'],
  TOO_MANY_PIXELS: [422, 'the image has too many pixels'],
  TOO_MUCH_WORK: [422, 'the image takes too long to decode'],
  RATE_LIMITED: [429, 'this client has sent too many images'],
  BUSY: [429, 'more images are on their way than the server can fetch or classify in time'],
  HEADERS_TOO_LARGE: [431, 'the headers of the request are too long'],
  INTERNAL: [500, 'a fault of the server'],
  FETCH_FAILED: [502, 'the URL could not be fetched'],
  STARTING: [503, 'the server is still loading its model'],
  STOPPING: [503, 'the server is about to stop'],
  FETCH_TIMEOUT: [504, 'the URL did not answer in time'],
} as const satisfies Readonly<Record<string, readonly [status: number, meaning: string]>>;

/** Code of an answer that refuses. */
export type ProblemCode = keyof typeof PROBLEMS;

/** Why a request, or one of its images, is refused. */
export class ServeError extends SepalError {
  declare readonly code: ProblemCode;
  /** Seconds after which another try makes sense. */
  readonly retryAfter: number | undefined;

  constructor(code: ProblemCode, message: string, details: ErrorDetails & { readonly retryAfter?: number } = {}) {
    super(code, message, details);
    this.retryAfter = details.retryAfter;
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }
}
