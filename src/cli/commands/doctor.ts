import type { AddCommand } from '../command.ts';
import { formatSections, type Section } from '../doctor/check.ts';
import { checkMachine, checkStorage } from '../doctor/machine.ts';
import { checkCpu, checkCuda, checkRocm, checkTpu } from '../doctor/plugins.ts';

/** `sepal doctor`: what is found, what is missing, what to do. Exit status 0 if a CPU device works. */
export const addDoctor: AddCommand = (program, context) => {
  program
    .command('doctor')
    .description('check this machine: what is found, what is missing, what to do about it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nThe exit status is 0 if at least a CPU device works.\n\nExample:\n  sepal doctor\n  sepal doctor --json',
    )
    .action(async (flags: { json?: boolean }) => {
      const { signal } = context();
      const cpu = await checkCpu(signal);
      const sections: Section[] = [
        { title: 'Machine', checks: await checkMachine() },
        { title: 'Storage', checks: await checkStorage(signal) },
        { title: 'CPU', checks: cpu },
        { title: 'TPU', checks: await checkTpu(signal) },
        { title: 'NVIDIA GPU', checks: await checkCuda(signal) },
        { title: 'AMD GPU', checks: await checkRocm(signal) },
      ];
      const ok = cpu.every(({ state }) => state === 'ok');
      console.log(flags.json ? JSON.stringify({ ok, sections }, null, 2) : formatSections(sections));
      if (!ok) process.exitCode = 1;
    });
};
