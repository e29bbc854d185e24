import { ModelNames } from '../../../lib/server/models/names';

test.each([
  ['clip', 'ViT-L-14__openai', 'ViT-L-14/openai'],
  ['clip', 'ViT-SO400M-16-SigLIP2-384__webli', 'ViT-SO400M-16-SigLIP2-384/webli'],
  ['clip', 'ViT-B-32::openai', 'ViT-B-32/openai'],
  ['clip', 'openai/clip-vit-large-patch14', 'ViT-L-14/openai'],
  ['clip', 'openai/clip-vit-base-patch32', 'ViT-B-32/openai'],
  ['clip', 'laion/CLIP-ViT-H-14-laion2B-s32B-b79K', 'ViT-H-14/laion2b_s32b_b79k'],
  ['clip', ' ViT-L-14/openai ', 'ViT-L-14/openai'],
  ['caption', 'blip2-flip-t5-xl', 'blip2-flan-t5-xl'],
  ['caption', 'blip2-opt-2.7b', 'blip2-2.7b'],
  ['caption', 'Salesforce/blip-image-captioning-large', 'blip-large'],
  ['caption', 'microsoft/git-large-coco', 'git-large-coco'],
] as const)('the %s model that others call %s is %s', async (kind, theirs, ours) => {
  const names = await ModelNames.load({});
  expect(names.find(kind, theirs).name).toBe(ours);
  expect(names.has(kind, theirs)).toBe(true);
});

test('what is nobody’s name is not found', async () => {
  const names = await ModelNames.load({});
  for (const name of ['__proto__', 'constructor', 'ViT-L-14', 'openai/clip-vit-huge', '']) {
    expect(names.has('clip', name)).toBe(false);
    expect(() => names.find('clip', name)).toThrow(expect.objectContaining({ status: 404 }));
  }
});
