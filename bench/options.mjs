/** The command lines of `npm run bench` and `npm run bench:load`: what they share, and how a wrong one ends. */
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';

export function modelCommand(name, description) {
  return new Command(name)
    .description(description)
    .option('--model <model>', 'open_clip model: MODEL with random weights, or MODEL/TAG with published ones', 'ViT-B-32')
    .addOption(
      new Option('--caption <name>', 'caption model, or none; with random weights unless --model has a tag')
        .choices(['blip-base', 'blip-large', 'blip-medium', 'blip-small', 'none'])
        .default('blip-base'),
    )
    .option('--checkpoint <file>', "the CLIP model's weights, whatever open_clip loads", absolute)
    .option('--caption-checkpoint <folder>', "the caption model's weights, a transformers folder", absolute)
    .option('--clip-config <file>', 'open_clip model config of a --model that open_clip does not know', absolute)
    .option('--vocabulary <folder>', "term lists (default: clip-interrogator's own)", absolute)
    .option('--device <device>', 'cpu, or cuda:N; the peer takes cuda, which is its first', device, 'cpu')
    .addOption(new Option('--image-precision <type>', 'of our image towers on the CPU').choices(['float32', 'bfloat16']).default('float32'))
    .option('--threads <n>', 'CPU threads of both sides (default: what torch takes)', wholeNumber(1))
    .option('--json <file>', 'write the rows as JSON', absolute);
}

/** A list of names, with commas between; `known()` are all that there are, of a kind. */
export function namesOf(kind, known) {
  return (text) => {
    const list = text.split(',').filter(Boolean);
    const unknown = list.filter((name) => !known().includes(name));
    if (unknown.length > 0) throw new InvalidArgumentError(`there is no ${kind} ${unknown.join(', ')}.`);
    return list;
  };
}

export function wholeNumber(least) {
  return (text) => {
    if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`expected a whole number of at least ${least}.`);
  };
}

export function absolute(file) {
  return path.resolve(file);
}

function device(text) {
  if (/^(cpu|cuda(:\d+)?)$/.test(text)) return text;
  throw new InvalidArgumentError('expected cpu, cuda or cuda:N.');
}
