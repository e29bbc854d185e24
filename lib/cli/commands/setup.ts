/** torch-interrogator setup: fetches libtorch and the term lists where they are not found. */
import type { Command } from 'commander';
import { ensureLibtorch } from '../../setup/libtorch';
import { ensureVocabulary } from '../../setup/vocabulary';

export function addSetupCommand(program: Command): void {
  program
    .command('setup')
    .description("find libtorch and clip-interrogator's term lists, or fetch them once")
    .option('--cuda', 'with CUDA libraries')
    .option('--quiet', 'no progress bar')
    .action(async ({ cuda = false, quiet = false }: { cuda?: boolean; quiet?: boolean }) => {
      const libtorch = await ensureLibtorch({ cuda, quiet });
      console.log(`libtorch ${libtorch.version}: ${libtorch.path}`);
      console.log(`term lists: ${await ensureVocabulary({ quiet })}`);
    });
}
