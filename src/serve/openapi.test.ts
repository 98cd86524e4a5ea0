import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiDocument } from './openapi.ts';

type Responses = Readonly<Record<string, object>>;
type Operation = { readonly responses: Responses };

const api = openApiDocument({
  version: '0.0.0',
  runs: [],
  classes: ['daisy'],
  threshold: 0.5,
  formats: ['JPEG'],
  device: 'none',
  limits: { imageBytes: 1, pixels: 1, images: 1 },
}) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: object };
};

test('every path tells what it answers while the model is loaded, and under another host name', () => {
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const { responses } of Object.values(operations)) {
      for (const status of ['421', '503']) {
        const schemas = JSON.stringify(responses[status]);
        assert.ok(schemas?.includes('#/components/schemas/Error'), `${path}, status ${status}: ${schemas}`);
      }
    }
  }
});

test('every schema that is named is there', () => {
  const named = JSON.stringify(api).matchAll(/"#\/components\/schemas\/(\w+)"/g);
  for (const [, name] of named) assert.ok(name in api.components.schemas, name);
});
