import { once } from 'node:events';
import { loadPlugin } from '../../pjrt/index.ts';
import { Backend } from '../backend.ts';
import type { ApartRequest, ApartResult } from './compile-apart.ts';
import { CompileCache } from '../cache/compile-cache.ts';
import { inForm } from '../cache/cached-form.ts';

/** The program of `compileApart`'s child process: gets one program, puts it into the cache, says whether it did, ends. */

// A parent that is gone waits for nothing, and a compiler can't be stopped otherwise.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C reaches all processes of a terminal. The parent decides what becomes of it.
process.on('SIGINT', () => {});

const [request] = (await once(process, 'message')) as [ApartRequest];
const result: ApartResult = { kept: await compile(request).catch(() => false) };
// The plugin's threads need not end in order.
process.send?.(result, () => process.kill(process.pid, 'SIGKILL'));

async function compile({ plugin: path, devices, text, options, folder, key, form }: ApartRequest): Promise<boolean> {
  const plugin = await loadPlugin(path);
  const client = await plugin.createClient({ cpu_device_count: devices });
  const backend = new Backend('cpu', plugin, client, client.addressableDevices, { compileCache: false });
  const executable = await backend.compile(text, options);
  return new CompileCache(folder).write(key, inForm(form, await executable.serialize()));
}
