import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnPage } from './own-page.ts';

test('clients that are no browser, and what a person opens, are no page of another site', () => {
  assert.ok(isOwnPage({ host: 'sepal.lan' }, false));
  assert.ok(isOwnPage({ host: 'sepal.lan', 'sec-fetch-site': 'none' }, false));
});

test('where the browser says whose page it is, that counts, whatever a proxy made of the host', () => {
  for (const site of ['cross-site', 'same-site']) {
    assert.ok(!isOwnPage({ host: 'a.org', origin: 'https://a.org', 'sec-fetch-site': site }, false));
  }
  assert.ok(isOwnPage({ host: '127.0.0.1:8080', origin: 'https://a.org', 'sec-fetch-site': 'same-origin' }, false));
});

test('elsewhere the host of the page is that of the request', () => {
  const own = (origin: string, host: string) => isOwnPage({ origin, host }, false);
  assert.ok(own('http://sepal.lan:8080', 'sepal.lan:8080'));
  assert.ok(own('http://sepal.lan', 'SEPAL.lan:80'));
  assert.ok(own('https://sepal.lan', 'sepal.lan'));
  assert.ok(own('https://sepal.lan', 'sepal.lan:443'));
  assert.ok(own('http://[fd00::1]:8080', '[fd00:0::1]:8080'));
  for (const origin of [
    'http://evil.example',
    'http://sepal.lan',
    'http://sepal.lan:8081',
    'null',
    '',
    'sepal.lan:8080',
  ]) {
    assert.ok(!own(origin, 'sepal.lan:8080'), origin);
  }
});

test('the host that a proxy passes on counts only where the proxy is trusted', () => {
  const headers = { origin: 'http://sepal.lan:8080', host: '10.0.0.2:3000', 'x-forwarded-host': 'sepal.lan:8080' };
  assert.ok(!isOwnPage(headers, false));
  assert.ok(isOwnPage(headers, true));
  assert.ok(isOwnPage({ origin: 'http://sepal.lan:8080', host: 'sepal.lan' }, true));
  assert.ok(!isOwnPage({ ...headers, origin: 'http://evil.example' }, true));
});
