/** torch-interrogator doctor: explains this installation. */
import type { Command } from 'commander';
import { diagnose, formatDiagnosis } from '../../setup/doctor';
import { EXIT } from '../failure';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('explain this installation: Node, libtorch, addon, sharp, GPU, models, caches; exits 1 where something is missing')
    .option('--json', 'print JSON and nothing else')
    .action(async ({ json }: { json?: boolean }) => {
      const diagnosis = await diagnose();
      console.log(json ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis));
      process.exitCode = diagnosis.ok ? EXIT.ok : EXIT.failed;
    });
}
