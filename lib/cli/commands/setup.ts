/** torch-interrogator setup: fetches libtorch where none is found. */
import type { Command } from 'commander';
import { ensureLibtorch } from '../../setup/libtorch';

export function addSetupCommand(program: Command): void {
  program
    .command('setup')
    .description('find libtorch, or fetch it once')
    .option('--cuda', 'with CUDA libraries')
    .option('--quiet', 'no progress bar')
    .action(async ({ cuda = false, quiet = false }: { cuda?: boolean; quiet?: boolean }) => {
      const libtorch = await ensureLibtorch({ cuda, quiet });
      console.log(`libtorch ${libtorch.version}: ${libtorch.path}`);
    });
}
