/** torch-interrogator status DIR: how far a run elsewhere is. */
import type { Command } from 'commander';
import { type FoundStatus, InterrogatorError, readRunStatus } from '../../index';
import { describeRecord } from '../failure';
import { onOneLine } from '../lines';
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
      for (const line of stateLines(status)) console.log(line);
    });
}

const AGAIN = 'run the same command again, without --redo, and it goes on where it was';

function stateLines({ state, pid, host, at, error }: FoundStatus): string[] {
  switch (state) {
    case 'running':
      return [`running: process ${pid} on ${host}`];
    case 'ended':
      return [`ended ${at}`];
    case 'interrupted':
      return [`interrupted ${at}: ${AGAIN}`];
    case 'failed':
      return [`failed ${at}`, ...(error ? describeRecord(error).split('\n').map(onOneLine) : [])];
    case 'broken off':
      return [`broken off after ${at}: ${AGAIN}`];
  }
}
