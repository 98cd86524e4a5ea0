import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { z } from 'zod';
import { tpuTarget } from '../../runtime/index.ts';
import { jobSet, type LaunchSettings } from './job-set.ts';

const settings = (target: string): LaunchSettings => ({
  name: 'flowers',
  target: tpuTarget(target),
  image: 'example.org/sepal:1',
  args: ['cnn', '--data', '/data/flowers'],
  claim: 'photos',
  namespace: 'default',
  restarts: 3,
  spot: true,
});

interface Job {
  readonly spec: {
    readonly replicatedJobs: readonly {
      readonly template: {
        readonly spec: {
          readonly parallelism: number;
          readonly completions: number;
          readonly template: {
            readonly spec: {
              readonly nodeSelector: Readonly<Record<string, string>>;
              readonly containers: readonly { readonly resources: { readonly limits: Record<string, number> } }[];
            };
          };
        };
      };
    }[];
  };
}

for (const [target, topology, hosts, chips] of [
  ['v5e-4', '2x2', 1, 4],
  ['v5e-8', '2x4', 1, 8],
  ['v5e-16', '4x4', 4, 4],
  ['v5e-256', '16x16', 64, 4],
  ['v4-16', '2x2x2', 2, 4],
  ['v6e-32', '4x8', 8, 4],
] as const) {
  test(`${target} is ${hosts} pods of ${chips} chips`, () => {
    const { spec } = (jobSet(settings(target)) as unknown as Job).spec.replicatedJobs[0].template;
    assert.equal(spec.parallelism, hosts);
    assert.equal(spec.completions, hosts);
    assert.equal(spec.template.spec.nodeSelector['cloud.google.com/gke-tpu-topology'], topology);
    assert.equal(spec.template.spec.containers[0].resources.limits['google.com/tpu'], chips);
  });
}

test('what GKE does not have, and names that Kubernetes does not take, are refused', () => {
  assert.throws(() => jobSet(settings('v3-8')), { code: 'TARGET', message: 'GKE has no node pools of v3-8' });
  assert.throws(() => jobSet({ ...settings('v5e-8'), name: 'My_Run' }), { code: 'NAME' });
});

/** The official schema, as the Go module of JobSet has it: `go mod download sigs.k8s.io/jobset@v0.8.0` brings it. */
const moduleCache = spawnSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).stdout?.trim() ?? '';
const schemaFile = join(
  moduleCache,
  'sigs.k8s.io/jobset@v0.8.0/config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml',
);
const skip = moduleCache !== '' && existsSync(schemaFile) ? false : 'needs go mod download sigs.k8s.io/jobset@v0.8.0';

test('the JobSet follows the official schema', { skip }, async () => {
  const definition = parse(readFileSync(schemaFile, 'utf8')) as {
    spec: { versions: { name: string; schema: { openAPIV3Schema: object } }[] };
  };
  const version = definition.spec.versions.find(({ name }) => name === 'v1alpha2');
  assert.ok(version);
  const schema = z.fromJSONSchema(strict(version.schema.openAPIV3Schema) as Parameters<typeof z.fromJSONSchema>[0]);
  for (const target of ['v5e-8', 'v5e-256', 'v4-16']) {
    const { error } = schema.safeParse(jobSet(settings(target)));
    assert.equal(error, undefined, error && z.prettifyError(error));
  }
  const wrong = structuredClone(jobSet(settings('v5e-8'))) as unknown as { spec: Record<string, unknown> };
  wrong.spec.replicatedJob = [];
  assert.equal(schema.safeParse(wrong).success, false, 'a misspelt field is found');
  wrong.spec = { ...wrong.spec, failurePolicy: { maxRestarts: 'three' } };
  assert.equal(schema.safeParse(wrong).success, false, 'a wrong type is found');
});

/** The schema with unknown fields forbidden, which an API server drops with a warning, and without what only it reads. */
function strict(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(strict);
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node as Record<string, unknown>).filter(([name]) => !name.startsWith('x-kubernetes'));
  const copy: Record<string, unknown> = Object.fromEntries(entries.map(([name, value]) => [name, strict(value)]));
  const isOpen = 'x-kubernetes-preserve-unknown-fields' in node;
  if ('properties' in copy && typeof copy.type === 'string' && !isOpen) copy.additionalProperties = false;
  // An integer or a text, such as a port: the two types stand in `anyOf`.
  if ('x-kubernetes-int-or-string' in node) delete copy.type;
  return copy;
}

test('the command prints it, and refuses a batch that does not divide and paths that pods do not have', async () => {
  const main = join(import.meta.dirname, '..', 'main.ts');
  const launch = async (...args: string[]) =>
    promisify(execFile)(process.execPath, [
      main,
      'launch',
      'cnn',
      '--image',
      'sepal:1',
      '--data',
      '/data/flowers',
      ...args,
    ]);
  const { stdout } = await launch('--target', 'v5e-16', '--set', 'batchSize=128');
  const job = parse(stdout) as { kind: string; metadata: { name: string } };
  assert.equal(job.kind, 'JobSet');
  assert.equal(job.metadata.name, 'cnn');
  assert.match(stdout, /- --auto-resume\n/);
  // kubectl reads YAML 1.1.
  const words = ['--name', 'no', '--namespace', 'on', '--claim', '1_000'];
  const { stdout: text } = await launch('--target', 'v5e-16', '--set', 'batchSize=128', ...words);
  const { metadata } = parse(text, { version: '1.1' }) as { metadata: Record<string, unknown> };
  assert.deepEqual([metadata.name, metadata.namespace], ['no', 'on']);
  assert.match(text, /claimName: "1_000"\n/);
  await assert.rejects(launch('--target', 'v5e-256'), (error: unknown) => {
    assert.ok(error instanceof Error && 'stderr' in error);
    assert.match(
      String(error.stderr),
      /a batch of 32 doesn't divide over 256 replicas\n {2}hint: choose a batch size that is a multiple of 256/,
    );
    return true;
  });
  for (const path of ['flowers', './flowers', 'https://example.org/flowers', '']) {
    await assert.rejects(launch('--target', 'v5e-16', '--data', path), { code: 2, stderr: /--data .*absolute path/ });
  }
  await assert.rejects(launch('--target', 'v5e-16', '--out', 'runs/a'), { code: 2, stderr: /--out .*\/data\/runs/ });
  for (const path of ['gs://bucket/flowers', 's3://bucket/flowers']) {
    const { stdout: remote } = await launch('--target', 'v5e-16', '--set', 'batchSize=128', '--data', path);
    assert.ok(remote.includes(`- ${path}\n`), remote);
  }
  const phases = 'phases=[{"epochs":1,"batchSize":32},{"epochs":1,"batchSize":24}]';
  await assert.rejects(launch('--target', 'v5e-16', '--set', 'epochs=2', phases), { stderr: /a batch of 24 doesn't/ });
});
