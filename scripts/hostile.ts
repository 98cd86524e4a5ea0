// `npm run hostile`: every hostile input against a server, a line each with the status it must get and the one it got.
import { openBackend } from '../src/runtime/index.ts';
import { HOSTILE_CASES, startHostileRun } from '../test/hostile/hostile-run.ts';
import { runScript, scriptCommand } from './script-command.ts';

await runScript(
  scriptCommand(
    'npm run hostile --',
    'Sends every hostile input to a server that it starts, and prints what came back.',
    'npm run hostile',
  ).action(sendAll),
);

async function sendAll(): Promise<void> {
  const backend = await openBackend({ device: 'cpu' });
  const hostile = await startHostileRun(backend);
  let failed = 0;
  let group = '';
  for (const each of HOSTILE_CASES) {
    if (each.group !== group) console.log(`\n${each.group}`);
    ({ group } = each);
    const { outcome, alive } = await hostile.run(each).catch((error: unknown) => {
      return { outcome: { status: 0, code: String(error) }, alive: false };
    });
    const right = outcome.status === each.status && outcome.code === each.code && alive;
    if (!right) failed++;
    const wanted = right
      ? ''
      : `   expected ${each.status} ${each.code ?? ''}${alive ? '' : ', and a server that is alive'}`;
    console.log(
      `  ${right ? 'ok  ' : 'FAIL'} ${outcome.status} ${(outcome.code ?? '').padEnd(18)} ${each.name.slice(0, 90)}${wanted}`,
    );
  }
  if (hostile.leaked.length > 0) failed++;
  console.log(`\nrequests that reached an address that is not allowed: ${hostile.leaked.length}`);
  const { status } = await fetch(`${hostile.target.url}/healthz`);
  console.log(`the server afterwards: ${status === 200 ? 'alive' : `status ${status}`}`);
  await hostile[Symbol.asyncDispose]();
  await backend.close();
  console.log(`${HOSTILE_CASES.length} hostile inputs, ${failed} not as documented`);
  process.exitCode = failed === 0 ? 0 : 1;
}
