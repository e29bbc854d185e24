/** Weights of another architecture: which tensors are missing, which are left over, and which have another shape is told, and nothing is kept. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { architectures, type BundleKind, catalog, Interrogator, importModel } from '../../lib';
import { TOKENIZERS } from '../../lib/bundles/graph';
import { runHere } from '../cli/command';
import { listing, makePlace, type Place } from '../hub/place';
import { type Shapes, shapesOf, writeEmptyWeights } from '../support/empty-weights';

let place: Place;
let home: string;
beforeEach(async () => {
  place = await makePlace();
  home = path.join(place.folder, 'home');
  mkdirSync(home);
  process.env.TORCH_INTERROGATOR_HOME = home;
});
afterEach(() => place.leave());

/** A file of weights with a tokenizer beside it, as those have that need one. */
function weightsOf(shapes: Shapes): string {
  const folder = mkdtempSync(path.join(place.folder, 'weights-'));
  const file = path.join(folder, 'model.safetensors');
  writeEmptyWeights(file, shapes);
  writeFileSync(path.join(folder, 'tokenizer.json'), brotliDecompressSync(readFileSync(path.join(TOKENIZERS, 'bert-uncased.json.br'))));
  return file;
}

const MISSING = "'[^']+' is missing, expected with the shape \\[[\\d, ]+\\]";
const LEFT_OVER = "'[^']+' of shape \\[[\\d, ]*\\] is left over";
const SHAPE = "'[^']+' has the shape \\[[\\d, ]+\\], expected \\[[\\d, ]+\\]";

test.each<[BundleKind, architecture: string, given: string, ...faults: string[]]>([
  ['clip', 'ViT-B-16', 'ViT-B-32', "'visual.conv1.weight' has the shape [768, 3, 32, 32], expected [768, 3, 16, 16]"],
  ['clip', 'ViT-L-14', 'ViT-B-32', SHAPE, MISSING],
  ['clip', 'ViT-B-32', 'ViT-L-14', SHAPE, LEFT_OVER],
  ['clip', 'RN50', 'ViT-B-32', MISSING, LEFT_OVER],
  ['clip', 'convnext_base', 'ViT-B-32', MISSING, LEFT_OVER],
  ['clip', 'ViT-B-32', 'convnext_base', MISSING, LEFT_OVER],
  ['clip', 'convnext_large_d', 'convnext_base_w', SHAPE],
  ['clip', 'roberta-ViT-B-32', 'ViT-B-32', MISSING, LEFT_OVER],
  ['clip', 'ViT-B-32', 'roberta-ViT-B-32', MISSING, LEFT_OVER],
  ['clip', 'xlm-roberta-base-ViT-B-32', 'roberta-ViT-B-32', SHAPE],
  ['clip', 'coca_ViT-B-32', 'ViT-B-32', MISSING, SHAPE],
  ['caption', 'blip-large', 'blip-base', SHAPE, MISSING],
  ['caption', 'blip2-2.7b', 'git-large-coco', 'none of its tensors is there'],
  ['caption', 'blip2-2.7b', 'blip2-flan-t5-xl', MISSING, LEFT_OVER],
  ['caption', 'git-large-coco', 'blip2-2.7b', 'none of its tensors is there'],
  ['caption', 'git-large-coco', 'ViT-L-14', 'none of its tensors is there'],
])(
  '%s %s with weights of %s',
  async (kind, architecture, given, ...faults) => {
    const file = weightsOf(await shapesOf(given));
    const error = await importModel(kind, architecture, file).catch((failure) => failure);
    expect(error).toMatchObject({ name: 'InterrogatorError', code: 'ERR_WEIGHTS_INVALID' });
    expect(error.message).toContain(`${file} does not fit the graph of '${architecture}/model'`);
    expect(error.message).toContain('name the architecture that it is');
    for (const fault of faults) {
      if ([MISSING, LEFT_OVER, SHAPE].includes(fault)) expect(error.message).toMatch(new RegExp(fault));
      else expect(error.message).toContain(fault);
    }
    expect(error.message.length).toBeLessThan(2500);
    expect(listing(home)).toEqual([]);
    expect(listing(place.cache)).toEqual([]);
  },
  60_000,
);

test('of many differences of a kind the first are named, and the others counted', async () => {
  const shapes = Object.entries(await shapesOf('ViT-S-32'));
  const file = weightsOf({
    ...Object.fromEntries(shapes.map(([name, shape], i) => [name, i < 5 ? [...shape, 2] : shape]).slice(0, -7)),
    ...Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`head.${i}.weight`, [i + 1, 2]])),
  });
  await expect(importModel('clip', 'ViT-S-32', file)).rejects.toMatchObject({
    message: expect.stringMatching(
      new RegExp(
        `: (${SHAPE}; ){3}2 more have another shape or type; (${MISSING}; ){3}4 more are missing; (${LEFT_OVER}; ){3}1 more are left over;`,
      ),
    ),
  });
});

test('the command says so too, exits 1, and leaves no folder', async () => {
  const file = weightsOf(await shapesOf('ViT-S-32'));
  const out = path.join(place.folder, 'out');
  const { code, stdout, stderr } = await runHere(['import', 'clip', 'ViT-B-32', '--weights', file, '--out', out, '--copy']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(new RegExp(SHAPE));
  expect(stderr).toContain('ERR_WEIGHTS_INVALID');
  expect(existsSync(out)).toBe(false);
  expect(readdirSync(place.folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('what the hub has under a name and is another model is told when it is loaded, with the file', async () => {
  const { repository } = catalog().find(({ name }) => name === 'ViT-B-32/laion2b_s34b_b79k') as { repository: string };
  const file = weightsOf({ 'visual.conv1.weight': [4, 3, 2, 2] });
  place.write(repository, 'open_clip_model.safetensors', readFileSync(file));
  const opened = Interrogator.create({
    ...{ clipModelName: 'ViT-B-32/laion2b_s34b_b79k', captionModelName: null },
    ...{ device: 'cpu', cachePath: null, quiet: true },
  });
  await expect(opened).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_INVALID',
    message: expect.stringMatching(
      /open_clip_model\.safetensors does not fit .*'visual\.conv1\.weight' has the shape \[4, 3, 2, 2\], expected \[768, 3, 32, 32\]/,
    ),
  });
}, 60_000);

test('every architecture of the catalog can be imported by its name', async () => {
  const file = weightsOf({ stray: [1, 2] });
  expect(architectures()).toHaveLength(144);
  for (const { name, graph } of architectures()) {
    const given = graph === name ? name : `${name}/`;
    await expect(importModel('clip', given, file)).rejects.toMatchObject({
      code: 'ERR_WEIGHTS_INVALID',
      message: expect.stringContaining(`does not fit the graph of '${name}/model'`),
    });
  }
  for (const { name, kind } of catalog()) {
    if (kind !== 'caption') continue;
    await expect(importModel(kind, name, file)).rejects.toMatchObject({
      code: 'ERR_WEIGHTS_INVALID',
      message: expect.stringContaining(`does not fit the graph of '${name}/model'`),
    });
  }
}, 300_000);

test.each([
  ['MobileCLIP-B', 'MobileCLIP2-B'],
  ['MobileCLIP-S2', 'MobileCLIP2-S2'],
])(
  '%s, which has the network of %s, becomes a bundle of that',
  async (name, graph) => {
    const file = weightsOf(await shapesOf(graph));
    const { folder } = await importModel('clip', ` ${name}\n`, file);
    expect(JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8'))).toMatchObject({ name: `${name}/model`, graph });
  },
  60_000,
);
