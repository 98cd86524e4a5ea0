import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** From a small model on a GPU to a large one on a busy CPU, in seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What an operator sees of a server, in Prometheus's form. Each server has a registry of its own. */
export class Metrics {
  readonly registry = new Registry();

  readonly requests = new Counter({
    name: 'sepal_http_requests_total',
    help: 'Requests by path and status; 499 where the client left before its answer.',
    labelNames: ['path', 'status'],
    registers: [this.registry],
  });
  readonly requestSeconds = new Histogram({
    name: 'sepal_http_request_seconds',
    help: 'Time from the end of the headers to the end of the answer.',
    labelNames: ['path'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly images = new Counter({
    name: 'sepal_images_total',
    help: 'Images by outcome: sure, unsure, aborted where the client left, or the code of the refusal.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly stageSeconds = new Histogram({
    name: 'sepal_image_stage_seconds',
    help: 'Time of one image in each stage: fetch, decode, queue, model.',
    labelNames: ['stage'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly batchImages = new Histogram({
    name: 'sepal_batch_images',
    help: 'Images in a batch, padding not counted.',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers: [this.registry],
  });

  constructor(sources: { readonly liveBuffers: () => number; readonly inFlight: () => number }) {
    collectDefaultMetrics({ register: this.registry });
    this.#gauge('sepal_images_in_flight', 'Images that are being fetched, decoded or classified.', sources.inFlight);
    this.#gauge('sepal_device_buffers', 'Buffers alive on the devices.', sources.liveBuffers);
  }

  async text(): Promise<string> {
    return this.registry.metrics();
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) });
  }
}
