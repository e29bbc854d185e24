/** Repositories of the hub with seeded weights, made once by the reference's own libraries and kept in build/test-bundles. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWork, fingerprint, once } from './bundles';
import { REPOSITORY, runPython } from './python';

export interface Published {
  /** `model/tag` of open_clip, or a caption model. */
  name: string;
  repository: string;
  seed: number;
  form: 'safetensors' | 'sharded' | 'bin';
}

const SCRIPT = path.join(__dirname, 'make_repositories.py');
const RECIPES = path.join(REPOSITORY, 'test', 'parity', 'reference', 'models.py');

/** The smallest models that have full-size graphs, as the default and as the other forms of weights. */
export const VIT_B_32: Published = {
  name: 'ViT-B-32/openai',
  repository: 'timm/vit_base_patch32_clip_224.openai',
  seed: 5,
  form: 'safetensors',
};
export const RN50: Published = { name: 'RN50/openai', repository: 'timm/resnet50_clip.openai', seed: 7, form: 'safetensors' };
export const BLIP_BASE: Published = { name: 'blip-base', repository: 'Salesforce/blip-image-captioning-base', seed: 3, form: 'sharded' };

/** The folder of the repositories, as a stand-in for the hub serves it. */
export async function publishedRepositories(published: readonly Published[]): Promise<string> {
  const recipe = fingerprint([JSON.stringify(published), readFileSync(SCRIPT, 'utf8'), readFileSync(RECIPES, 'utf8')]);
  const root = path.join(bundleWork(), `hub-${recipe}`);
  const last = published.at(-1) as Published;
  await once(root, path.join(last.repository, 'README.md'), async () => {
    await runPython([SCRIPT, root, JSON.stringify(published)]);
  });
  return root;
}
