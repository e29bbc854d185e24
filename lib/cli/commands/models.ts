/** torch-interrogator models: every name, and which of them are installed. */
import { type Command, Option } from 'commander';
import { catalog, installedBundles } from '../../index';

interface ModelRecord {
  kind: 'clip' | 'caption';
  name: string;
  /** Whether this version exports and runs it. */
  supported: boolean;
  installed: string | null;
}

export function addModelsCommand(program: Command): void {
  program
    .command('models')
    .description('list model names, and which are installed')
    .addOption(new Option('--kind <kind>', 'only these').choices(['clip', 'caption']))
    .option('--installed', 'only what is installed')
    .option('--json', 'print JSON')
    .action(async (options: { kind?: 'clip' | 'caption'; installed?: boolean; json?: boolean }) => {
      const records = (await modelRecords()).filter(
        ({ kind, installed }) => (!options.kind || kind === options.kind) && (!options.installed || installed),
      );
      if (options.json) console.log(JSON.stringify(records));
      else
        for (const { kind, name, supported, installed } of records) {
          const note = installed ? `  (installed: ${installed})` : supported ? '' : '  (not supported by this version)';
          console.log(`${kind.padEnd(8)}${name}${note}`);
        }
    });
}

async function modelRecords(): Promise<ModelRecord[]> {
  const installed = await installedBundles();
  const known = catalog().map(({ kind, name, supported }) => ({ kind, name, supported }));
  const folderOf = (kind: string, name: string): string | null =>
    installed.find((bundle) => bundle.kind === kind && bundle.name === name)?.folder ?? null;
  const extra = installed
    .filter(({ kind, name }) => !known.some((model) => model.kind === kind && model.name === name))
    .map(({ kind, name }) => ({ kind, name, supported: true }));
  return [...known, ...extra].map((model) => ({ ...model, installed: folderOf(model.kind, model.name) }));
}
