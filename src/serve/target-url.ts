import { ServeError } from './serve-error.ts';

/** Longer URLs are refused; browsers and servers rarely take more. */
const MAX_LENGTH = 2048;

/**
 * A URL that may be fetched, by its form alone.
 *
 * The parser of the WHATWG standard turns every way to write an IPv4 address (decimal, octal, hexadecimal, shortened,
 * in full-width digits) into the usual one, so that what is checked is what is connected to.
 *
 * @throws ServeError `BAD_URL`.
 */
export function parseTarget(text: string, base?: URL): URL {
  if (text.length > MAX_LENGTH) throw badUrl(`a URL of ${text.length} characters`, `at most ${MAX_LENGTH}`);
  const url = URL.parse(text, base?.href);
  if (url === null) throw badUrl(shorten(text), 'an address such as https://example.org/rose.jpg');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw badUrl(`a URL with ${shorten(url.protocol)}`, 'http or https');
  }
  if (url.username !== '' || url.password !== '') throw badUrl('a URL with a user name', 'one without');
  if (url.hostname === '') throw badUrl(shorten(text), 'a URL with a host');
  return url;
}

/** The port that a connection goes to. */
export function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

/** The host as a name to look up or a numeric address; IPv6 without its brackets. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

const shorten = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);

function badUrl(received: string, expected: string): ServeError {
  return new ServeError('BAD_URL', 'this URL is not taken', { expected, received });
}
