import { stat } from 'node:fs/promises';
import { findPlugin } from '../assets/index.ts';
import { loadPlugin, type Executable, type Topology } from '../pjrt/index.ts';
import type { Graph } from '../xla/index.ts';
import { memoryShortage, type MemoryShortage } from './out-of-memory.ts';
import { programText, type TextOptions } from './program-text.ts';
import { tpuTarget, type TpuTarget } from './tpu-targets.ts';

/** What libtpu says of a program that it compiled for devices that need not be there. */
export interface ProgramCosts {
  /** Floating-point operations of one device. */
  readonly flops: number;
  /** Bytes that one device reads and writes in its HBM. */
  readonly bytesAccessed: number;
  /** Seconds that the compiler counts on at best. */
  readonly seconds: number;
  /** The most HBM in use at one time, arguments included. */
  readonly peakBytes: number;
  readonly argumentBytes: number;
  readonly tempBytes: number;
  readonly compileSeconds: number;
}

/** A program that a target's compiler took. */
export interface CompiledFor {
  readonly executable: Executable;
  readonly costs: ProgramCosts;
}

/** A TPU that programs are compiled for, not run on. */
export class CompileTarget {
  readonly target: TpuTarget;
  readonly replicas: number;
  /** Host processes that the devices belong to. */
  readonly hosts: number;
  /** HBM that a program may take on one device. */
  readonly memoryBytes: number;
  /** The vendor's name of the device, such as `TPU v3`. */
  readonly kind: string;
  /** Names the compiler's build: what it makes of a text stays the same while this does. */
  readonly compiler: string;
  readonly #topology: Topology;

  constructor(target: TpuTarget, topology: Topology, compiler: string) {
    const [device] = topology.devices;
    this.target = target;
    this.#topology = topology;
    this.replicas = topology.devices.length;
    this.hosts = new Set(topology.devices.map(({ processIndex }) => processIndex)).size;
    this.memoryBytes = Number(device.attributes()['device_memory_bytes_limit']);
    this.kind = device.kind;
    this.compiler = compiler;
  }

  /** The text that would run on this TPU. */
  text(graph: Graph, options: Omit<TextOptions, 'replicas' | 'platform'>): string {
    return programText(graph, { ...options, replicas: this.replicas, platform: 'tpu' });
  }

  /** Compiles a text, or says by how much it is too large for the memory. */
  async tryCompile(text: string): Promise<CompiledFor | MemoryShortage> {
    try {
      return await this.compile(text);
    } catch (error) {
      const shortage = memoryShortage(error);
      if (shortage === undefined) throw error;
      return shortage;
    }
  }

  /** Compiles a text. @throws PjrtError `RESOURCE_EXHAUSTED` where it doesn't fit the memory. */
  async compile(text: string): Promise<CompiledFor> {
    const started = performance.now();
    const executable = await this.#topology.compile(text, { replicas: this.replicas });
    const compileSeconds = (performance.now() - started) / 1000;
    const costs = executable.costAnalysis();
    const memory = executable.memoryStats();
    return {
      executable,
      costs: {
        flops: costs['flops'] ?? 0,
        bytesAccessed: costs['bytes accessed'] ?? 0,
        seconds: knownSeconds(costs['optimal_seconds'] ?? 0),
        peakBytes: memory.peak ?? memory.argument + memory.temp,
        argumentBytes: memory.argument,
        tempBytes: memory.temp,
        compileSeconds,
      },
    };
  }

  /** Gives the topology back. */
  close(): void {
    this.#topology.destroy();
  }
}

/**
 * For each op whose time it doesn't know, as on v5e for some, libtpu takes a second off the sum. What is left is the time of
 * all others, where that is less than a second.
 */
export function knownSeconds(sum: number): number {
  return sum < 0 ? sum + Math.ceil(-sum) : sum;
}

/** Opens a TPU to compile for, such as `v3-8`; it need not be at hand, libtpu must. @throws RuntimeError or AssetError. */
export async function openCompileTarget(name: string): Promise<CompileTarget> {
  const target = tpuTarget(name);
  const { path } = await findPlugin('tpu');
  const plugin = await loadPlugin(path);
  const { size, mtimeMs } = await stat(path);
  const topology = await plugin.createTopology(target.topology, target.topologyOptions);
  return new CompileTarget(target, topology, `${topology.platformVersion} ${size} ${mtimeMs}`);
}
