/** torch-interrogator status DIR: how far a run elsewhere is. */
import type { Command } from 'commander';
import { InterrogatorError, readRunStatus } from '../../index';
import { progressLine } from '../run/progress-line';

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('tell how far a run over a folder is, from whatever terminal')
    .argument('<dir>', 'the folder of pictures or of the output, or the state folder')
    .option('--json', 'print JSON')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const status = await readRunStatus(folder);
      if (!status) {
        throw new InterrogatorError('ERR_INVALID_ARGUMENT', `No run has left its state in ${folder}.`, {
          hint: 'Name the folder of the pictures, of the output file, or the one given with --state.',
        });
      }
      if (json) {
        console.log(JSON.stringify(status));
        return;
      }
      console.log(progressLine(status, (process.stdout.columns || 80) - 1));
      const { state, pid, host, at } = status;
      if (state === 'running') console.log(`running: process ${pid} on ${host}`);
      else if (state === 'ended') console.log(`ended ${at}`);
      else console.log(`broken off after ${at}: run the same command again, it goes on where it was`);
    });
}
