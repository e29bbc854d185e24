import { catalog, listCaptionModels, listClipModels } from '../../lib/bundles/catalog';

test('every open_clip name/tag pair is listed, once', () => {
  const names = listClipModels();
  expect(names).toHaveLength(196);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['ViT-L-14/openai', 'RN50/openai', 'ViT-H-14/laion2b_s32b_b79k']));
  expect(names.every((name) => /^[^/]+\/[^/]+$/.test(name))).toBe(true);
});

test("the caption models are the reference's", () => {
  expect(listCaptionModels()).toEqual(['blip-base', 'blip-large', 'blip2-2.7b', 'blip2-flan-t5-xl', 'git-large-coco']);
});

test('what this version supports is marked', () => {
  const supported = (name: string): boolean | undefined => catalog().find((entry) => entry.name === name)?.supported;
  expect(supported('ViT-L-14/openai')).toBe(true);
  expect(supported('blip-large')).toBe(true);
  expect(supported('xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k')).toBe(false);
});
