import type { AddCommand } from '../command.ts';
import { formatSections, type Section } from '../doctor/check.ts';
import { checkMachine, checkStorage } from '../doctor/machine.ts';
import { checkCpu, checkCuda, checkRocm, checkTpu } from '../doctor/plugins.ts';

/** `sepal doctor`: what is found, what is missing, what to do. Exit status 0 if there is a device to run on. */
export const addDoctor: AddCommand = (program, context) => {
  program
    .command('doctor')
    .description('check this machine: what is found, what is missing, what to do about it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nThe exit status is 0 if there is a TPU, a GPU or a CPU to run on.\n\nExample:\n  sepal doctor\n  sepal doctor --json',
    )
    .action(async (flags: { json?: boolean }) => {
      const { signal } = context();
      const [tpu, cuda, rocm] = [await checkTpu(signal), await checkCuda(signal), await checkRocm(signal)];
      const hasAccelerator = [...tpu, ...cuda, ...rocm].some(({ devices = 0 }) => devices > 0);
      const cpu = await checkCpu(signal, { wanted: !hasAccelerator });
      const sections: Section[] = [
        { title: 'Machine', checks: await checkMachine() },
        { title: 'Storage', checks: await checkStorage(signal) },
        { title: 'CPU', checks: cpu },
        { title: 'TPU', checks: tpu },
        { title: 'NVIDIA GPU', checks: cuda },
        { title: 'AMD GPU', checks: rocm },
      ];
      const ok = hasAccelerator || cpu.every(({ state }) => state === 'ok');
      console.log(flags.json ? JSON.stringify({ ok, sections }, null, 2) : formatSections(sections));
      if (!ok) process.exitCode = 1;
    });
};
