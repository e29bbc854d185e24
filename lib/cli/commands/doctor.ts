/** torch-interrogator doctor: explains this installation. */
import type { Command } from 'commander';
import { diagnose, formatDiagnosis } from '../../setup/doctor';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('explain this installation: Node, addon, libtorch, CUDA, bundles, caches')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const diagnosis = await diagnose();
      console.log(json ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis));
    });
}
