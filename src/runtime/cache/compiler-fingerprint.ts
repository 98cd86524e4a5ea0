import { statSync } from 'node:fs';
import { cpuThreads, type Backend } from '../backend.ts';
import { hostFeatures } from './host-features.ts';

/**
 * What a compiled program depends on besides its text and its options.
 *
 * CPU plugins all call their platform version `cpu`, so the plugin's file stands for its build.
 */
export function compilerFingerprint({ client, devices, plugin }: Backend): string[] {
  const { size, mtimeMs } = statSync(plugin.path);
  const { major, minor } = plugin.apiVersion;
  return [
    client.platformName,
    client.platformVersion,
    devices[0].kind,
    `${major}.${minor} ${size} ${mtimeMs}`,
    hostFeatures(),
    // XLA splits loops by the number of threads when it compiles.
    String(cpuThreads()),
    process.env.XLA_FLAGS ?? '',
  ];
}
