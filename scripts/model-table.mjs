/** npm run docs:models: writes the list of models in docs/models.md from models/catalog.json; `--check` only says whether it is the same. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { main, ROOT, StepError, title } from './step.mjs';

const FILE = path.join(ROOT, 'docs', 'models.md');
const [BEGIN, END] = ['<!-- the list begins: npm run docs:models -->', '<!-- the list ends -->'];
const GENERATORS = { sd1: 'SD 1', sd2: 'SD 2', sdxl: 'SDXL' };
const COLUMNS = ['name', 'text tower', 'parameters', 'width', 'image', 'to fetch', 'memory', 'on a GPU', 'compared', 'suits'];

await main(() => {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const text = readFileSync(FILE, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new StepError(`${FILE} has no place for the list, between ${BEGIN} and ${END}.`);
  const written = `${text.slice(0, begin + BEGIN.length)}\n\n${list()}\n\n${text.slice(end)}`;
  if (values.check && written !== text)
    throw new StepError('The list in docs/models.md is not what the catalog says. Run: npm run docs:models');
  if (!values.check) writeFileSync(FILE, written);
  title('docs/models.md lists what the catalog does.');
});

function list() {
  const { models, architectures } = JSON.parse(readFileSync(path.join(ROOT, 'models', 'catalog.json'), 'utf8'));
  const untrained = architectures.filter(({ tags }) => tags.length === 0).map((each) => ({ ...each, name: `${each.name}/` }));
  const rows = [...models, ...untrained].map(rowOf);
  return markdownTable([COLUMNS, ...rows], {
    align: ['l', 'l', 'r', 'r', 'r', 'r', 'r', 'r', 'l', 'l'],
    padding: true,
    alignDelimiters: false,
  });
}

function rowOf({ name, tower, parameters, embedDim, imageSize, bytes, memory, memoryFloat16, verified, generators = [] }) {
  return [
    `\`${name}\``,
    tower.text ?? tower.family,
    `${Math.round(parameters / 1e6)} M`,
    embedDim ?? '',
    imageSize.join('×'),
    bytes === undefined ? 'random weights' : size(bytes),
    size(memory),
    size(memoryFloat16),
    comparisonText(verified.full ?? verified.reduced),
    generators.map((generator) => GENERATORS[generator]).join(', '),
  ];
}

function comparisonText(comparison) {
  if (!comparison) return '';
  const { image, text, tokens, depth, on } = comparison;
  const found = tokens === undefined ? Math.max(image, text).toExponential(1) : 'same tokens';
  return `${found}, ${depth === undefined ? 'full size' : `${depth} layers`}, ${on}`;
}

function size(bytes) {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
