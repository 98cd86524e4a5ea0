import type { HostileCase } from './case.ts';
import { predict, predictUrl } from './send.ts';

const REFUSED = { status: 403, code: 'ADDRESS_REFUSED' } as const;
const BAD = { status: 400, code: 'BAD_URL' } as const;

/** URLs that lead to this machine or its network, in all forms that parsers and resolvers know. */
const INWARD: readonly (readonly [name: string, url: string])[] = [
  ['loopback', 'http://127.0.0.1/'],
  ['loopback, another address of its', 'http://127.8.8.8/'],
  ['loopback, shortened', 'http://127.1/'],
  ['loopback as one decimal number', 'http://2130706433/'],
  ['loopback in hexadecimal', 'http://0x7f000001/'],
  ['loopback in octal', 'http://0177.0.0.1/'],
  ['loopback in mixed bases', 'http://0x7f.0.0.01/'],
  ['loopback in full-width digits', 'http://１２７.０.０.１/'],
  ['loopback in circled digits', 'http://①②⑦.⓪.⓪.①/'],
  ['loopback, percent-encoded', 'http://%31%32%37.0.0.1/'],
  ['loopback with a tab inside', 'http://127.\t0.0.1/'],
  ['loopback behind backslashes', 'http:\\\\127.0.0.1\\'],
  ['loopback with one slash', 'http:/127.0.0.1/'],
  ['localhost', 'http://localhost/'],
  ['localhost, in capitals and with a dot', 'http://LOCALHOST./'],
  ['this network', 'http://0.0.0.0/'],
  ['zero', 'http://0/'],
  ['private, class A', 'http://10.0.0.1/'],
  ['private, class B', 'http://172.31.255.254/'],
  ['private, class C', 'http://192.168.0.1/'],
  ['link-local: the metadata of a cloud machine', 'http://169.254.169.254/latest/meta-data/'],
  ['the metadata as a decimal number', 'http://2852039166/'],
  ["a cloud's agent at a public-looking address", 'http://168.63.129.16/'],
  ['carrier-grade NAT', 'http://100.100.100.200/'],
  ['benchmarking', 'http://198.18.0.1/'],
  ['documentation', 'http://192.0.2.1/'],
  ['multicast', 'http://224.0.0.1/'],
  ['broadcast', 'http://255.255.255.255/'],
  ['reserved', 'http://240.0.0.1/'],
  ['IPv6 loopback', 'http://[::1]/'],
  ['IPv6 loopback in full', 'http://[0000:0000:0000:0000:0000:0000:0000:0001]/'],
  ['IPv6 unspecified', 'http://[::]/'],
  ['IPv6 link-local', 'http://[fe80::1]/'],
  ['IPv6 site-local', 'http://[fec0::1]/'],
  ['IPv6 unique local: metadata', 'http://[fd00:ec2::254]/'],
  ['IPv6 multicast', 'http://[ff02::1]/'],
  ['IPv6 documentation', 'http://[2001:db8::1]/'],
  ['IPv4-mapped', 'http://[::ffff:127.0.0.1]/'],
  ['IPv4-mapped, in hexadecimal', 'http://[::ffff:7f00:1]/'],
  ['IPv4-mapped private', 'http://[::ffff:10.0.0.1]/'],
  ['IPv4-translated', 'http://[::ffff:0:127.0.0.1]/'],
  ['IPv4-compatible', 'http://[::127.0.0.1]/'],
  ['NAT64 of loopback', 'http://[64:ff9b::127.0.0.1]/'],
  ['NAT64, local use', 'http://[64:ff9b:1::7f00:1]/'],
  ['6to4 of loopback', 'http://[2002:7f00:1::]/'],
  ['Teredo', 'http://[2001:0:7f00:1::1]/'],
  ['a public address, port 22', 'http://93.184.215.14:22/'],
  ['a public address, port 6379', 'http://93.184.215.14:6379/'],
  ['a name with one private address among public ones', 'http://mixed.test/'],
  ['a name that resolves to IPv6 loopback', 'http://six.test/'],
];

/** URLs that are refused by their form. */
const MALFORMED: readonly (readonly [name: string, url: string])[] = [
  ['a file', 'file:///etc/passwd'],
  ['FTP', 'ftp://example.org/rose.jpg'],
  ['gopher', 'gopher://127.0.0.1:6379/_INFO'],
  ['dict', 'dict://127.0.0.1:11211/stat'],
  ['a data: URL', 'data:image/png;base64,iVBORw0KGgo='],
  ['a script', 'javascript:alert(1)'],
  ['a blob', 'blob:http://example.org/1'],
  ['no scheme', '//127.0.0.1/'],
  ['a path', '/etc/passwd'],
  ['nothing', ''],
  ['no host', 'http://'],
  ['a user name', 'http://admin@example.org/'],
  ['a user name and a password', 'http://a:b@127.0.0.1/'],
  ['a host hidden behind a user name', 'http://example.org@127.0.0.1/'],
  ['a line break in the host', 'http://127.0.0.1%0d%0aHost:x/'],
  ['an address of five parts', 'http://127.0.0.0.1/'],
  ['an IPv6 zone', 'http://[fe80::1%25eth0]/'],
  ['a port that is none', 'http://example.org:99999/'],
  ['3,000 characters', `http://example.org/${'a'.repeat(3000)}`],
];

/** What a web server may do once it is asked. */
const WEB: readonly (readonly [name: string, path: string, status: number, code: HostileCase['code']])[] = [
  ['a redirect to loopback', '/to/127.0.0.1', 403, 'ADDRESS_REFUSED'],
  ['a redirect to the metadata of a cloud machine', '/to/169.254.169.254', 403, 'ADDRESS_REFUSED'],
  ['a redirect to IPv4-mapped loopback', '/to/[::ffff:7f00:1]', 403, 'ADDRESS_REFUSED'],
  ['a redirect to a file', '/to-file', 400, 'BAD_URL'],
  ['a redirect with a password', '/to/a:b@example.org', 400, 'BAD_URL'],
  ['redirects without end', '/round', 502, 'FETCH_FAILED'],
  ['status 404', '/missing', 502, 'FETCH_FAILED'],
  ['status 500', '/status/500', 502, 'FETCH_FAILED'],
  ['a page', '/page', 415, 'UNSUPPORTED_IMAGE'],
  ['an SVG image that is called PNG', '/svg', 415, 'UNSUPPORTED_IMAGE'],
  ['half an image', '/half', 422, 'BAD_IMAGE'],
  ['a length beyond the limit', '/says-large', 413, 'TOO_LARGE'],
  ['bytes without end', '/endless', 413, 'TOO_LARGE'],
  ['a compressed answer', '/zipped', 502, 'FETCH_FAILED'],
  ['a body that breaks off', '/cut', 502, 'FETCH_FAILED'],
  ['headers of 64 KB', '/long-headers', 502, 'FETCH_FAILED'],
  ['something that is not HTTP', '/garbage', 502, 'FETCH_FAILED'],
  ['a connection that is closed at once', '/close', 502, 'FETCH_FAILED'],
];

const SLOW_WEB: typeof WEB = [
  ['no answer', '/silent', 504, 'FETCH_TIMEOUT'],
  ['a byte a second', '/drip', 504, 'FETCH_TIMEOUT'],
  ['slow redirects', '/slow-round', 504, 'FETCH_TIMEOUT'],
];

const fromWeb =
  (slow: boolean) =>
  ([name, path, status, code]: (typeof WEB)[number]): HostileCase => ({
    group: 'a web server that answers with',
    name,
    status,
    code,
    slow,
    attack: (target) => predictUrl(target, target.web + path),
  });

export const URL_CASES: readonly HostileCase[] = [
  ...INWARD.map(([name, url]): HostileCase => {
    return { group: 'a URL that leads inward', name, ...REFUSED, attack: (target) => predictUrl(target, url) };
  }),
  {
    group: 'a URL that leads inward',
    name: 'in a form field',
    ...REFUSED,
    attack: (target) => {
      const form = new FormData();
      form.append('url', 'http://[::ffff:169.254.169.254]/');
      return predict(target, form);
    },
  },
  {
    group: 'a URL that leads inward',
    name: 'an image that is there, at an address that is not allowed',
    ...REFUSED,
    attack: (target) => predictUrl(target, `${target.forbiddenWeb}/image`),
  },
  {
    group: 'a URL that leads inward',
    name: 'a name that means another address at the second lookup (DNS rebinding)',
    ...REFUSED,
    attack: async (target) => {
      const { port } = new URL(target.web);
      const first = await predictUrl(target, `http://rebinding.test:${port}/image`);
      if (first.status !== 200) return first;
      return predictUrl(target, `http://rebinding.test:${port}/image`);
    },
  },
  ...MALFORMED.map(([name, url]): HostileCase => {
    return { group: 'a URL that is none to fetch', name, ...BAD, attack: (target) => predictUrl(target, url) };
  }),
  {
    group: 'a URL that is none to fetch',
    name: 'a name that does not exist',
    status: 502,
    code: 'FETCH_FAILED',
    attack: (target) => predictUrl(target, 'http://nowhere.test/rose.jpg'),
  },
  ...WEB.map(fromWeb(false)),
  ...SLOW_WEB.map(fromWeb(true)),
];
