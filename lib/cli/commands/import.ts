/** torch-interrogator import clip|caption: weights of one's own as a bundle, without Python. */
import type { Command } from 'commander';
import { type BundleKind, type ImportOptions, importModel } from '../../index';
import { untilInterrupted } from '../interrupts';

type Options = Omit<ImportOptions, 'signal' | 'onProgress'> & { weights: string };

const KINDS: Record<BundleKind, [argument: string, meaning: string, description: string]> = {
  clip: [
    '<architecture>',
    'open_clip architecture, for example ViT-L-14; ViT-L-14-quickgelu for a fine-tune of OpenAI weights',
    'weights with the tensor names of open_clip, as it saves and publishes them',
  ],
  caption: ['<family>', 'name of a captioner, for example blip-large', "a folder as transformers' save_pretrained writes it"],
};

export function addImportCommand(program: Command): void {
  const group = program.command('import').description('make a bundle of weights of your own: a fine-tune of a known architecture');
  for (const kind of ['clip', 'caption'] as const) {
    const [argument, meaning, description] = KINDS[kind];
    group
      .command(kind)
      .description(description)
      .argument(argument, meaning)
      .requiredOption('--weights <path>', 'safetensors, an index of shards, or a PyTorch checkpoint; or the folder that holds one')
      .option('--name <name>', 'what the model is called from now on (default: the architecture and the file)')
      .option('--out <dir>', "the bundle's folder (default: its name in the bundle home)")
      .option('--force', 'replace a bundle of other weights that goes by this name')
      .option('--copy', 'copy the weights into the bundle (default: they stay where they are)')
      .action(async (architecture: string, { weights, ...options }: Options) => {
        const { name, folder } = await untilInterrupted((signal) => importModel(kind, architecture, weights, { ...options, signal }));
        console.log(`${name}: ${folder}`);
      });
  }
}
