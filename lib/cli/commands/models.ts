/** torch-interrogator models: every name, and which of them are installed. */
import { type Command, Option } from 'commander';
import { type BundleKind, type CatalogEntry, catalog, installedBundles } from '../../index';

/** `installed`: the folder. */
type ModelRecord = Pick<CatalogEntry, 'kind' | 'name' | 'supported'> & { installed: string | null };

export function addModelsCommand(program: Command): void {
  program
    .command('models')
    .description('list model names, and which are installed')
    .addOption(new Option('--kind <kind>', 'only these').choices(['clip', 'caption']))
    .option('--installed', 'only what is installed')
    .option('--json', 'print JSON')
    .action(async (options: { kind?: BundleKind; installed?: boolean; json?: boolean }) => {
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
  const records = new Map<string, ModelRecord>();
  for (const { kind, name, supported } of catalog()) records.set(`${kind} ${name}`, { kind, name, supported, installed: null });
  for (const { kind, name, folder } of await installedBundles()) {
    const { supported = true, installed } = records.get(`${kind} ${name}`) ?? {};
    records.set(`${kind} ${name}`, { kind, name, supported, installed: installed ?? folder });
  }
  return [...records.values()];
}
