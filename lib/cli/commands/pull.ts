/** torch-interrogator pull NAME…: fetches weights before they are needed. */
import type { Command } from 'commander';
import { findModel, pullModel } from '../../index';
import { bytesText } from '../bytes-text';
import { untilInterrupted } from '../interrupts';
import { eraseStatus, showStatus } from '../status';

export function addPullCommand(program: Command): void {
  program
    .command('pull')
    .description("fetch the weights of models into the hub's cache, which Python shares")
    .argument('<name...>', 'names of models, for example ViT-L-14/openai and blip-large')
    .option('--json', 'print JSON: an object a line')
    .option('--quiet', 'no progress bar')
    .action(async (names: string[], { json = false, quiet = false }: { json?: boolean; quiet?: boolean }) => {
      await untilInterrupted(async (signal) => {
        // A name that is wrong is told of before the others are fetched.
        for (const name of names.filter((each) => findModel(each) === undefined)) await pullModel(name, { signal });
        try {
          for (const name of names) {
            const pulled = await pullModel(name, { signal, ...(!quiet && { onProgress: showStatus }) });
            eraseStatus();
            console.log(json ? JSON.stringify(pulled) : `${name}: ${pulled.file} (${bytesText(pulled.bytes)})`);
          }
        } finally {
          eraseStatus();
        }
      });
    });
}
