import ipaddr from 'ipaddr.js';

/**
 * Whether a request's `Host` may be answered by a server that listens on the loopback only.
 *
 * A web page could point a name of its own at 127.0.0.1 and talk to us as its own origin (DNS rebinding); its requests
 * carry that name.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return name === 'localhost' || isLoopback(name);
}

/** Whether a numeric address, or `localhost`, is reached from this machine only. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost') return true;
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}
