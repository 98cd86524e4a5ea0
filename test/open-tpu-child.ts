import { SepalError } from '../src/base/index.ts';
import { openBackend } from '../src/runtime/index.ts';

// A process that takes hold of the TPU, says what came of it, and lives on until it is killed.
try {
  await openBackend({ device: 'tpu' });
  process.send?.({ code: 'OK', line: '' });
} catch (error) {
  if (!(error instanceof SepalError)) throw error;
  process.send?.({ code: error.code, line: error.toUserString() });
}
setInterval(() => {}, 1000);
