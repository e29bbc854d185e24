/** What calls answer to arguments that TypeScript would not let through. */
import { Config, Features, Interrogator, LabelTable, loadList } from '../../lib';
import { tinyBlip, tinyClip } from '../support/bundles';
import { testImage } from '../support/images';
import { costOfOnePass, mainThreadTime } from '../support/main-thread';

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
    ['an array with holes', (features) => ours.similarities(features, Object.assign(new Array<string>(2), { 1: 'a' }))],
    ['holes only', () => LabelTable.create(new Array(3) as string[], null, ours)],
    ['a table named by a number', () => LabelTable.create(['a'], 5 as never, ours)],
    ['a table without a name', () => LabelTable.create(['a'], undefined as never, ours)],
    ['a table of no interrogator', () => LabelTable.create(['a'], null, null as never)],
    ['tables that are none', async () => LabelTable.merge([null] as never, ours)],
    ['no list of tables', async () => LabelTable.merge(null as never, ours)],
    ['features that are none', (features) => features.similarity(null as never)],
    ['a mode that has no text', () => ours.describe(testImage(1), { mode: 10n as never })],
    ['a count that has no text', () => ours.interrogateFast(testImage(1), { caption: CAPTION, maxFlavors: bare })],
    ['features of the prototype alone', () => ours.similarity(Object.create(Features.prototype), 'a cat')],
    ['a signal of the prototype alone', () => ours.imageToFeatures(testImage(1), { signal: Object.create(AbortSignal.prototype) })],
    ['a signal that has no text', () => ours.imageToFeatures(testImage(1), { signal: bare })],
    ['an features that has no text', () => ours.imageToFeatures(10n as never)],
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
    ['a batch in an unknown mode', () => ours.interrogateBatch([testImage(1)], { mode: 'slow' as never }).next()],
    ['a batch of no image at a time', () => ours.interrogateBatch([testImage(1)], { concurrency: 0 }).next()],
    ['a batch with a signal that is none', () => ours.interrogateBatch([testImage(1)], { signal: 5 as never }).next()],
  ])('%s: rejects with ERR_INVALID_ARGUMENT', async (_, call) => {
    const features = await ours.imageToFeatures(testImage(1));
    await expect(call(features)).rejects.toMatchObject({ name: 'InterrogatorError', code: 'ERR_INVALID_ARGUMENT' });
  });

  test.each<[string, object]>([
    ['a name of a million letters', { ['m'.repeat(1e6)]: 1 }],
    ['100,000 names', Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`name${i}`, 1]))],
    ['a Map', new Map([['topCount', 3]])],
    ['a Date', new Date()],
  ])('options that are %s: a short message, soon', async (_, options) => {
    const features = await ours.imageToFeatures(testImage(1));
    for (const call of [() => ours.similarities(features, ['a'], options), async () => new Config(options)]) {
      let error: Error | undefined;
      const spent: number[] = [];
      for (let sample = 0; sample < 3; sample += 1) {
        const start = mainThreadTime();
        error = await call().then(
          () => undefined,
          (reason: unknown) => reason as Error,
        );
        spent.push(mainThreadTime() - start);
      }
      expect(error).toMatchObject({ name: 'InterrogatorError', code: expect.stringMatching(/^ERR_(?:INVALID_ARGUMENT|CONFIG)$/) });
      expect(error?.message.length).toBeLessThan(2000);
      expect(Math.min(...spent)).toBeLessThan(5 * costOfOnePass());
    }
  });

  test('texts that a message would hold are cut', async () => {
    const long = 'x'.repeat(1e6);
    for (const call of [
      () => Interrogator.create({ clipModelName: long }),
      () => Interrogator.create({ clipModelName: `/${long}` }),
      () => Interrogator.create({ clipModelName: 'sample', dataPath: long }),
      () => loadList(long),
      () => LabelTable.create(['a'], long, ours),
    ]) {
      const { message, code } = await call().then(
        () => ({ message: '', code: '' }),
        (reason) => reason,
      );
      expect(code).toMatch(/^ERR_/);
      expect(message.length).toBeLessThan(10_000);
    }
  });

  // The options of each call beside signal and onProgress, which all of them take.
  const calls: [string, string[], (features: Features, options: never) => Promise<unknown>][] = [
    ['prepare', [], (_, options) => ours.prepare(options)],
    ['interrogate', ['caption', 'minFlavors', 'maxFlavors'], (_, options) => ours.interrogate(testImage(1), options)],
    ['interrogateClassic', ['caption', 'maxFlavors'], (_, options) => ours.interrogateClassic(testImage(1), options)],
    ['interrogateFast', ['caption', 'maxFlavors'], (_, options) => ours.interrogateFast(testImage(1), options)],
    ['interrogateNegative', ['maxFlavors'], (_, options) => ours.interrogateNegative(testImage(1), options)],
    [
      'describe',
      ['mode', 'caption', 'minFlavors', 'maxFlavors', 'include', 'exclude', 'captionPrompt'],
      (_, options) => ours.describe(testImage(1), options),
    ],
    ['interrogateBatch', ['mode', 'concurrency'], (_, options) => ours.interrogateBatch([testImage(1)], options).next()],
    ['generateCaption', ['captionMaxLength', 'captionPrompt', 'numBeams'], (_, options) => ours.generateCaption(testImage(1), options)],
    ['imageToFeatures', [], (_, options) => ours.imageToFeatures(testImage(1), options)],
    ['textToFeatures', [], (_, options) => ours.textToFeatures('a', options)],
    ['rankTop', ['reverse'], (features, options) => ours.rankTop(features, ['a'], options)],
    ['similarity', [], (features, options) => ours.similarity(features, 'a', options)],
    ['similarities', [], (features, options) => ours.similarities(features, ['a'], options)],
    [
      'chain',
      ['bestPrompt', 'bestSimilarity', 'minCount', 'maxCount', 'reverse'],
      (features, options) => ours.chain(features, ['a'], options),
    ],
    ['toArray', [], (features, options) => features.toArray(options)],
    ['features.similarity', [], (features, options) => features.similarity(features, options)],
    ['LabelTable.create', [], (_, options) => LabelTable.create(['a'], null, ours, options)],
    ['table.prepare', [], (_, options) => ours.mediums.prepare(options)],
    ['rank', ['topCount', 'reverse'], (features, options) => ours.mediums.rank(features, options)],
    ['rankScored', ['topCount', 'reverse'], (features, options) => ours.mediums.rankScored(features, options)],
    ['Interrogator.create', [], (_, options) => Interrogator.create({ clipModelName: 'sample', captionModelName: null }, options)],
  ];
  // A letter too many, Python's spelling, a capital.
  const slips = (name: string): string[] => [
    `${name}s`,
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    name.toUpperCase(),
  ];

  test.each(calls)('%s: an option that it does not know is refused, and the nearest one named', async (_, known, call) => {
    const features = await ours.imageToFeatures(testImage(1));
    for (const name of ['signal', 'onProgress', ...known]) {
      for (const slip of slips(name).filter((each) => each !== name)) {
        await expect(call(features, { [slip]: 1 } as never)).rejects.toMatchObject({
          code: 'ERR_INVALID_ARGUMENT',
          message: expect.stringContaining(`${slip}: no such option; did you mean ${name}?`),
        });
      }
    }
    await expect(call(features, { zzzzzzzzzzzz: 1 } as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/zzzzzzzzzzzz: no such option\.$/),
    });
  });

  test.each(calls)('%s: an option of a wrong type is refused by its name', async (_, known, call) => {
    const features = await ours.imageToFeatures(testImage(1));
    for (const name of ['signal', 'onProgress', ...known]) {
      await expect(call(features, { [name]: Symbol(name) } as never)).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining(`${name}: got Symbol(${name}), expected`),
      });
    }
  });

  test('options that are null count as none', async () => {
    const none = null as never;
    const features = await ours.imageToFeatures(testImage(1), none);
    expect(await ours.rankTop(features, ['a', 'b'], none)).toMatch(/[ab]/);
    expect(await ours.mediums.rank(features, none)).toHaveLength(1);
    expect(await ours.chain(features, [], none)).toBe('');
    expect(await features.toArray(none)).toEqual(await features.toArray());
    expect(await features.similarity(features, none)).toHaveLength(1);
  });
});
