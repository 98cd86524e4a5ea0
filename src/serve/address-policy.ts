import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { UsageError } from '../base/index.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** The part of IPv6 that is given out to the internet; the library takes all that it has no name for as unicast. */
const GLOBAL_V6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** Addresses of cloud hosts that look public: Azure's machine agent. */
const HOST_SERVICES = new Set(['168.63.129.16']);
/** Of the well-known prefix for IPv4 behind NAT64; the local-use one is never public. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/** Decides to which addresses and ports the server may connect for a URL that a stranger gave. */
export class AddressPolicy {
  readonly #allowed: readonly Range[];
  readonly #own: ReadonlySet<string>;

  /** @param allowed ranges that the operator trusts though they are not public, such as `192.168.1.0/24`. */
  constructor(allowed: readonly string[] = []) {
    this.#allowed = allowed.map(parseRange);
    this.#own = new Set(
      Object.values(networkInterfaces()).flatMap((cards = []) =>
        cards.map(({ address }) => ipaddr.process(address.split('%')[0]).toNormalizedString()),
      ),
    );
  }

  /** Whether a connection to this address and port may be made; `text` is a numeric address. */
  permits(text: string, port: number): boolean {
    const plain = inDigits(text);
    if (plain === undefined) return false;
    const address = unwrap(ipaddr.parse(plain));
    if (this.#allowed.some((range) => isWithin(address, range))) return true;
    return (port === 80 || port === 443) && isPublic(address) && !this.#own.has(address.toNormalizedString());
  }
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || HOST_SERVICES.has(address.toString())) return false;
  return address instanceof ipaddr.IPv4 || address.match(GLOBAL_V6);
}

/** An IPv6 address without an IPv4 one at its end: the library takes `::1.2.3.4` for `::ffff:1.2.3.4`. */
function inDigits(text: string): string | undefined {
  if (isIP(text) !== 6) return isIP(text) === 4 ? text : undefined;
  return URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
}

/** The IPv4 address that an IPv6 one stands for, as the network would deliver it. */
function unwrap(address: Address): Address {
  if (address instanceof ipaddr.IPv4) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (address.match(NAT64)) return new ipaddr.IPv4(address.toByteArray().slice(12));
  return address;
}

/** Ranges of the other family never match. */
function isWithin(address: Address, [base, bits]: Range): boolean {
  if (address instanceof ipaddr.IPv4) return base instanceof ipaddr.IPv4 && address.match(base, bits);
  return base instanceof ipaddr.IPv6 && address.match(base, bits);
}

/** One address or a range in CIDR form, with all of its numbers: the library takes `1.2` for 1.0.0.2, and `010.0.0.1` for 8.0.0.1. */
function parseRange(text: string): Range {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d+))?$/.exec(text) ?? [];
  const plain = inDigits(address);
  const most = isIP(address) === 4 ? 32 : 128;
  const length = bits === undefined ? most : Number(bits);
  if (plain === undefined || length > most) {
    throw new UsageError('ADDRESS_RANGE', `${text} is no range of addresses`, {
      expected: 'a range such as 192.168.1.0/24 or fd00::/8, or one address, with all of its numbers',
    });
  }
  return [ipaddr.parse(plain), length];
}
