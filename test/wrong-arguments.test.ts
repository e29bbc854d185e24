/** What calls answer to arguments that TypeScript would not let through. */
import { type Features, Interrogator, LabelTable, loadList } from '../lib';
import { tinyBlip, tinyClip } from './support/bundles';
import { picture } from './support/pictures';

const CAPTION = 'a photo of a cat';

let ours: Interrogator;

beforeAll(async () => {
  const [clip, caption] = [await tinyClip(), await tinyBlip()];
  ours = await Interrogator.create({ clipModelName: clip, captionModelName: caption, device: 'cpu', cachePath: null, quiet: true });
}, 600_000);

afterAll(() => ours?.dispose());

describe('wrong arguments', () => {
  const bare = Object.create(null) as never;

  test.each<[string, (image: Features) => Promise<unknown>]>([
    ['an array with holes', (image) => ours.similarities(image, Object.assign(new Array<string>(2), { 1: 'a' }))],
    ['holes only', () => LabelTable.create(new Array(3) as string[], null, ours)],
    ['a table named by a number', () => LabelTable.create(['a'], 5 as never, ours)],
    ['a table without a name', () => LabelTable.create(['a'], undefined as never, ours)],
    ['a table of no interrogator', () => LabelTable.create(['a'], null, null as never)],
    ['tables that are none', async () => LabelTable.merge([null] as never, ours)],
    ['no list of tables', async () => LabelTable.merge(null as never, ours)],
    ['features that are none', (image) => image.similarity(null as never)],
    ['a mode that has no text', () => ours.describe(picture(1), { mode: 10n as never })],
    ['a count that has no text', () => ours.interrogateFast(picture(1), { caption: CAPTION, maxFlavors: bare })],
    ['a signal that has no text', () => ours.imageToFeatures(picture(1), { signal: bare })],
    ['an image that has no text', () => ours.imageToFeatures(10n as never)],
    [
      'raw pixels of a width that has no text',
      () => ours.imageToFeatures({ data: new Uint8Array(3), width: bare, height: 1, channels: 3 }),
    ],
    [
      'raw pixels of a symbol of channels',
      () => ours.imageToFeatures({ data: new Uint8Array(3), width: 1, height: 1, channels: Symbol() as never }),
    ],
    ['a list in no folder', () => loadList(bare)],
    ['a list of no name', () => loadList('/tmp', null as never)],
    ['a batch in an unknown mode', () => ours.interrogateBatch([picture(1)], { mode: 'slow' as never }).next()],
    ['a batch with a signal that is none', () => ours.interrogateBatch([picture(1)], { signal: 5 as never }).next()],
  ])('%s: rejects with ERR_INVALID_ARGUMENT', async (_, call) => {
    const image = await ours.imageToFeatures(picture(1));
    await expect(call(image)).rejects.toMatchObject({ name: 'InterrogatorError', code: 'ERR_INVALID_ARGUMENT' });
  });

  test('options that are null count as none', async () => {
    const none = null as never;
    const image = await ours.imageToFeatures(picture(1), none);
    expect(await ours.rankTop(image, ['a', 'b'], none)).toMatch(/[ab]/);
    expect(await ours.mediums.rank(image, none)).toHaveLength(1);
    expect(await ours.chain(image, [], none)).toBe('');
    expect(await image.toArray(none)).toEqual(await image.toArray());
    expect(await image.similarity(image, none)).toHaveLength(1);
  });
});
