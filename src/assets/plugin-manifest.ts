import type { WheelAsset } from './wheel-asset.ts';

/** What a plugin drives. */
export type PluginPlatform = 'cpu' | 'tpu' | 'cuda' | 'rocm';

/** One pinned PJRT plugin. */
export interface PluginRow extends WheelAsset {
  /** What the user types. */
  readonly name: string;
  readonly platform: PluginPlatform;
  /** Machines that it runs on: `process.platform` and `process.arch`. */
  readonly host: { readonly platform: NodeJS.Platform; readonly arch: NodeJS.Architecture };
  readonly licence: string;
  /** Who built it, and from what. */
  readonly provenance: string;
  /** How far it is tested here. */
  readonly tested: string;
}

const LINUX_X64 = { platform: 'linux', arch: 'x64' } as const;

/** Every pinned plugin; the first row of a platform is its default. Reasons and figures: docs/plugins.md. */
export const PLUGINS: readonly PluginRow[] = [
  {
    name: 'cpu',
    platform: 'cpu',
    wheel: {
      package: 'lammps-jax-pjrt-cpu',
      version: '0.11.2',
      sha256: '1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1',
      size: 62_711_338,
      tag: 'manylinux_2_27_x86_64',
    },
    member: 'lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so',
    size: 201_600_336,
    host: LINUX_X64,
    licence: 'Apache-2.0',
    provenance: 'the lammps-jax project, from the XLA of jaxlib 0.11.2',
    tested: 'trained on',
  },
  {
    name: 'cpu-zml',
    platform: 'cpu',
    wheel: {
      package: 'fastatomstruct-xla-cpu',
      version: '2026.6.23',
      sha256: '88b1c430b341b4bea40a37420311c9c75db6e22b46d2ff95b6986577bee6afe9',
      size: 63_200_622,
      tag: 'manylinux_2_27_x86_64',
    },
    member: 'fastatomstruct_xla_cpu/libpjrt_cpu.so',
    size: 273_768_800,
    host: LINUX_X64,
    licence: 'Apache-2.0',
    provenance: 'zml/pjrt-artifacts, its unmodified build of 2026-06-23',
    tested: 'trained on',
  },
  {
    name: 'cpu-openxla',
    platform: 'cpu',
    wheel: {
      package: 'xla-cpu-pjrt',
      version: '0.0.1',
      sha256: '55837b6b7b47daa717f2d9a5a03563ea0ceaa338d06a81a1e2d3f060d960decc',
      size: 63_461_052,
      tag: 'manylinux_2_27_x86_64',
    },
    member: 'xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so',
    size: 259_284_552,
    host: LINUX_X64,
    licence: 'none stated',
    provenance: '"The OpenXLA Authors", as the wheel says; an older C API',
    tested: 'trained on',
  },
  {
    name: 'tpu',
    platform: 'tpu',
    wheel: {
      package: 'libtpu',
      version: '0.0.52',
      sha256: 'f5e2e596eaea9357fbb5a6755a7a9007c6ab75bfde4a55191b03eff402971140',
      size: 137_064_406,
      tag: 'manylinux_2_31_x86_64',
      // There is a wheel per Python; libtpu.so is the same in those for 3.11 and 3.13.
      pythonVersion: '3.11',
    },
    member: 'libtpu/libtpu.so',
    size: 467_479_448,
    host: LINUX_X64,
    licence: 'Google Cloud Platform Terms of Service',
    provenance: 'Google',
    tested: 'compiled for, without a TPU',
  },
  {
    name: 'cuda',
    platform: 'cuda',
    wheel: {
      package: 'jax-cuda13-pjrt',
      version: '0.12.0.1',
      sha256: '5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90',
      size: 134_922_808,
      tag: 'manylinux_2_27_x86_64',
    },
    member: 'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
    size: 395_967_648,
    host: LINUX_X64,
    licence: 'Apache-2.0',
    provenance: 'the JAX team; needs NVIDIA libraries of CUDA 13',
    tested: 'loaded, without a GPU',
  },
  {
    name: 'rocm',
    platform: 'rocm',
    wheel: {
      package: 'jax-rocm7-pjrt',
      version: '0.12.0',
      sha256: '4551d0714523355f2946ca1958c3f584e95661e467a641d36b726f718a1c7934',
      size: 133_415_872,
      tag: 'manylinux_2_27_x86_64',
    },
    member: 'jax_plugins/xla_rocm7/xla_rocm_plugin.so',
    size: 459_001_112,
    host: LINUX_X64,
    licence: 'Apache-2.0',
    provenance: 'the ROCm JAX developers (AMD); needs ROCm 7.14',
    tested: 'untested',
  },
];

/** The plugin of this name, or undefined. */
export function pluginByName(name: string): PluginRow | undefined {
  return PLUGINS.find((row) => row.name === name);
}

/** Whether this machine's system and processor are those that the plugin was built for. */
export function runsHere({ host }: PluginRow): boolean {
  return host.platform === process.platform && host.arch === process.arch;
}
