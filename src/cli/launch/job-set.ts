import { UsageError } from '../../base/index.ts';
import type { TpuTarget } from '../../runtime/index.ts';

/** What a launch is made of. */
export interface LaunchSettings {
  readonly name: string;
  readonly target: TpuTarget;
  /** A container image with Node and Sepal. */
  readonly image: string;
  /** Arguments of `sepal train`. */
  readonly args: readonly string[];
  /** A persistent volume claim that all hosts mount at `/data`: data sets, and the run folder. */
  readonly claim: string;
  readonly namespace: string;
  /** How often the whole set starts again, from its last checkpoint, after a host has failed. */
  readonly restarts: number;
  readonly spot: boolean;
}

/** The port on which libtpu's own runtime joins the hosts of a slice. */
const LIBTPU_PORT = 8471;
const METRICS_PORT = 8431;

/** Kubernetes' names: RFC 1123 labels. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/;

/** How many hosts a slice has, a pod each. */
export const hostsOf = ({ devices, devicesPerHost }: TpuTarget): number => Math.max(1, devices / devicesPerHost);

/**
 * The JobSet (jobset.x-k8s.io/v1alpha2) that trains on a TPU node pool of GKE: one pod a host, all of them or none, in the
 * order that the TPU's environment numbers hosts by.
 *
 * GKE gives each pod `TPU_WORKER_ID` and `TPU_WORKER_HOSTNAMES`, by which libtpu finds the other hosts.
 */
export function jobSet(settings: LaunchSettings): Record<string, unknown> {
  const { name, target, namespace, restarts } = settings;
  if (target.gke === undefined) {
    throw new UsageError('TARGET', `GKE has no node pools of ${target.name}`, {
      expected: 'a v4, v5e, v5p or v6e target, such as v5e-16',
    });
  }
  if (!LABEL.test(name)) {
    throw new UsageError('NAME', `"${name}" is no name for a job`, {
      expected: 'up to 42 lower-case letters, digits and hyphens',
    });
  }
  const hosts = hostsOf(target);
  return {
    apiVersion: 'jobset.x-k8s.io/v1alpha2',
    kind: 'JobSet',
    metadata: {
      name,
      namespace,
      labels: { 'app.kubernetes.io/name': 'sepal' },
      // A slice is one node pool: all pods of a job go to the same one, and no other job does.
      annotations: { 'alpha.jobset.sigs.k8s.io/exclusive-topology': 'cloud.google.com/gke-nodepool' },
    },
    spec: {
      failurePolicy: { maxRestarts: restarts },
      replicatedJobs: [
        {
          name: 'slice',
          replicas: 1,
          template: {
            spec: {
              parallelism: hosts,
              completions: hosts,
              completionMode: 'Indexed',
              backoffLimit: 0,
              template: { spec: podSpec(settings, target.gke, target.devices / hosts) },
            },
          },
        },
      ],
    },
  };
}

function podSpec(
  { target, image, args, claim, spot }: LaunchSettings,
  { accelerator }: NonNullable<TpuTarget['gke']>,
  chips: number,
): Record<string, unknown> {
  const resources = { 'google.com/tpu': chips };
  return {
    restartPolicy: 'Never',
    // Ctrl-C of a pod: a checkpoint of the step just done is written within this time.
    terminationGracePeriodSeconds: 120,
    nodeSelector: {
      'cloud.google.com/gke-tpu-accelerator': accelerator,
      'cloud.google.com/gke-tpu-topology': target.shape,
      ...(spot && { 'cloud.google.com/gke-spot': 'true' }),
    },
    ...(spot && {
      tolerations: [{ key: 'cloud.google.com/gke-spot', operator: 'Equal', value: 'true', effect: 'NoSchedule' }],
    }),
    containers: [
      {
        name: 'sepal',
        image,
        command: ['sepal', 'train'],
        args: [...args, '--device', 'tpu'],
        ports: [{ containerPort: LIBTPU_PORT }, { containerPort: METRICS_PORT }],
        resources: { requests: resources, limits: resources },
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
    ],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
  };
}
