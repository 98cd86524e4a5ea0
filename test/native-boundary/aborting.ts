import { SepalError } from '../../src/base/index.ts';
import { openBackend } from '../../src/runtime/index.ts';

/** Opens the CPU backend and prints what that fails with. */

try {
  await openBackend({ device: 'cpu' });
} catch (error) {
  if (!(error instanceof SepalError)) throw error;
  const { code, message, hint } = error;
  console.log(JSON.stringify({ code, message, hint }));
}
