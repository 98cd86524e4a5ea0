// `npm run audit`: known vulnerabilities of what users install, as npm's registry knows them. Exits 1 where there is one, 2 where
// the registry in use answers no such questions: then nothing is known, which is not the same as nothing being wrong.
import { execa } from 'execa';
import { z } from 'zod';
import { jsonText } from '../src/base/index.ts';
import { runScript, scriptCommand } from './script-command.ts';

const answerSchema = z.object({
  message: z.string().optional(),
  metadata: z.object({ vulnerabilities: z.record(z.string(), z.number()) }).optional(),
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })).optional(),
});

await runScript(
  scriptCommand('npm run audit', "Known vulnerabilities of what users install, as npm's registry knows them.", 'npm run audit').action(audit), // prettier-ignore
);

async function audit(): Promise<void> {
  const { stdout } = await execa('npm', ['audit', '--omit=dev', '--json'], { reject: false });
  const parsed = jsonText.pipe(answerSchema).safeParse(stdout ?? '');
  const total = parsed.data?.metadata?.vulnerabilities.total;
  if (total === undefined) {
    const why = parsed.data?.message?.trim().split('\n')[0] ?? 'npm gave no answer to read; is it on the path?';
    console.error(`error: not audited, so nothing is known: ${why}`);
    console.error(
      '  hint: a mirror or a proxy may answer no audits: run it on a machine that reaches the public registry, or give its address by npm run audit --registry=URL',
    );
    process.exitCode = 2;
  } else {
    for (const [name, { severity, range }] of Object.entries(parsed.data?.vulnerabilities ?? {})) {
      console.log(`${severity.padEnd(9)} ${name} ${range}`);
    }
    console.log(`${total} known vulnerabilities in what users install`);
    process.exitCode = total === 0 ? 0 : 1;
  }
}
