import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a request comes from the server's own page, or from no page at all. Browsers tell in `Sec-Fetch-Site`, but only
 * where the server is reached by https or on this machine; elsewhere the page's `Origin` must have the request's host.
 * Schemes are not compared: behind a proxy they differ.
 *
 * @param trustProxy whether `X-Forwarded-Host` counts, and `Host` may lack the port, as proxies have it.
 */
export function isOwnPage(headers: IncomingHttpHeaders, trustProxy: boolean): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin, host } = headers;
  if (origin === undefined) return true;
  const page = parseHost(URL.parse(origin)?.host);
  if (page === undefined) return false;
  const forwarded = trustProxy ? String(headers['x-forwarded-host'] ?? '').split(',') : [];
  return [host, ...forwarded].some((text) => {
    const own = parseHost(text?.trim());
    return own?.name === page.name && (own.port === page.port || (trustProxy && own.port === ''));
  });
}

/** A host's name and port in their usual form; the port is empty where it is that of http or https. */
function parseHost(host: string | undefined): { readonly name: string; readonly port: string } | undefined {
  if (host === undefined || host === '') return undefined;
  const url = URL.parse(`http://${host}`);
  return url === null ? undefined : { name: url.hostname, port: url.port === '443' ? '' : url.port };
}
