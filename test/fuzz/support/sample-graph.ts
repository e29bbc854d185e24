/** A graph for files of weights that are made by hand: the sample's, of which three tensors come from a file. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Tensors, withHeader } from './checkpoints';

const SAMPLE = path.join(__dirname, '..', '..', '..', 'models', 'sample', 'clip');
export const NAMES = { conv: 'tower.conv1.weight', norm: 'tower.bn1.weight', project: 'tower.attnpool.c_proj.weight' };
export const SHAPES = { conv: [8, 3, 3, 3], norm: [8], project: [512, 256] };
export const TENSORS: Tensors = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => {
    const count = shape.reduce((product, side) => product * side, 1);
    return [name, { shape, data: Float32Array.from({ length: count }, (_, i) => Math.sin(i) / 20) }];
  }),
);

/** The sample's towers with their weights, of which three are taken from a file. */
export function header(): Record<string, unknown> {
  const manifest = JSON.parse(readFileSync(path.join(SAMPLE, 'manifest.json'), 'utf8'));
  const sizes = ['image.pt', 'text.pt'].map((name) => readFileSync(path.join(SAMPLE, name)).length) as [number, number];
  const { conv, norm, project } = NAMES;
  const image = [
    { to: conv, from: 'conv' },
    { to: norm, from: 'norm', rows: [0, 8] },
    { to: project, from: 'project', transpose: true, shape: [256, 512] },
  ];
  const modules = { 'image.pt': [0, sizes[0]], 'text.pt': [sizes[0], sizes[0] + sizes[1]] };
  return { graphVersion: 1, kind: 'clip', manifest, modules, tensors: SHAPES, parameters: { 'image.pt': image } };
}

export function graphOf(json: unknown): Buffer {
  return withHeader(json, ...['image.pt', 'text.pt'].map((name) => readFileSync(path.join(SAMPLE, name))));
}
