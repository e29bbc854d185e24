import { Config, type ConfigInput } from '../lib/config';
import { InterrogatorError } from '../lib/errors';

function failure(input: unknown): InterrogatorError {
  try {
    new Config(input as ConfigInput);
  } catch (error) {
    return error as InterrogatorError;
  }
  throw new Error('The config was accepted');
}

test("defaults are the reference's", () => {
  expect(new Config()).toMatchObject({
    captionMaxLength: 32,
    captionModelName: 'blip-large',
    captionOffload: false,
    clipModelName: 'ViT-L-14/openai',
    clipModelPath: null,
    clipOffload: false,
    cachePath: 'cache',
    downloadCache: true,
    chunkSize: 2048,
    dataPath: null,
    device: 'auto',
    flavorIntermediateCount: 2048,
    quiet: false,
    ranking: 'quota',
    compat: 'reference',
    captionPrompt: null,
    numBeams: 1,
    minLength: 0,
    repetitionPenalty: 1,
    noRepeatNgramSize: 0,
  });
});

test('what is given as undefined has its default', () => {
  expect(new Config({ chunkSize: undefined }).chunkSize).toBe(2048);
});

test('null switches off what may be off', () => {
  expect(new Config({ captionModelName: null, cachePath: null })).toMatchObject({ captionModelName: null, cachePath: null });
});

test("the low-VRAM preset is the reference's, and overrides win", () => {
  const preset = { captionModelName: 'blip-base', captionOffload: true, clipOffload: true, chunkSize: 1024, flavorIntermediateCount: 1024 };
  expect(Config.lowVram()).toMatchObject(preset);
  expect(Config.lowVram({ chunkSize: 512, captionModelName: undefined })).toMatchObject({ ...preset, chunkSize: 512 });
  expect(new Config({ device: 'cpu', chunkSize: 4096 }).applyLowVramDefaults()).toMatchObject({ ...preset, device: 'cpu' });
});

test('a config cannot be changed, and does not follow the object that it came from', () => {
  const input = { chunkSize: 10 };
  const config = new Config(input);
  input.chunkSize = 20;
  expect(config.chunkSize).toBe(10);
  expect(() => {
    (config as { chunkSize: number }).chunkSize = 30;
  }).toThrow(TypeError);
});

test.each<[string, unknown, string]>([
  ['chunkSize', 0, 'a whole number from 1'],
  ['chunkSize', 1.5, 'a whole number'],
  ['chunkSize', '2048', 'a whole number'],
  ['chunkSize', Number.NaN, 'a whole number'],
  ['captionMaxLength', -1, 'a whole number'],
  ['clipModelName', '', "a CLIP model's name"],
  ['clipModelName', null, "a CLIP model's name"],
  ['captionModelName', 7, "a caption model's name"],
  ['device', 'gpu', "'cuda:N'"],
  ['device', 'cuda:', "'cuda:N'"],
  ['quiet', 'yes', 'true or false'],
  ['ranking', 'fast', "'quota' or 'global'"],
  ['compat', 'bugs', "'reference' or 'corrected'"],
  ['threads', Infinity, 'a whole number'],
  ['cacheUrl', 'ftp://somewhere', 'an http(s) URL'],
  ['numBeams', 0, 'a whole number from 1 to 64'],
  ['numBeams', 65, 'a whole number from 1 to 64'],
  ['minLength', -1, 'a whole number from 0'],
  ['repetitionPenalty', 0, 'a number above 0'],
  ['repetitionPenalty', Number.NaN, 'a number above 0'],
  ['repetitionPenalty', Infinity, 'a number above 0'],
  ['repetitionPenalty', '1.2', 'a number above 0'],
  ['noRepeatNgramSize', 1.5, 'a whole number'],
  ['captionPrompt', '', 'a text, or null'],
  ['captionPrompt', 7, 'a text, or null'],
])('%s: %p is refused with the field, the value and what was expected', (field, value, expected) => {
  const error = failure({ [field]: value });
  expect(error).toBeInstanceOf(InterrogatorError);
  expect(error.code).toBe('ERR_CONFIG');
  expect(error.message).toContain(`${field}: got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`);
  expect(error.message).toContain(expected);
});

test('all wrong fields are told at once', () => {
  expect(failure({ chunkSize: 0, device: 'gpu' }).message).toMatch(/chunkSize.*\n.*device/);
});

test.each([
  ['chunksize', 'chunkSize'],
  ['clip_model_name', 'clipModelName'],
  ['flavourIntermediateCount', 'flavorIntermediateCount'],
])('unknown setting %s is refused and %s suggested', (unknown, suggestion) => {
  const error = failure({ [unknown]: 1 });
  expect(error.code).toBe('ERR_CONFIG');
  expect(error.message).toContain(`${unknown}: no such setting; did you mean ${suggestion}?`);
});

test('unlike words get no suggestion', () => {
  expect(failure({ zzzzzzzz: 1 }).message).not.toContain('did you mean');
});

test.each([[null], [[]], ['config'], [3]])('%p is no config', (input) => {
  expect(failure(input).code).toBe('ERR_CONFIG');
});

test('the schema has the default, the type and the meaning of every setting, as plain JSON', () => {
  const schema = JSON.parse(JSON.stringify(Config.schema));
  expect(Object.keys(schema.properties)).toEqual(Object.keys(new Config()));
  for (const [name, field] of Object.entries<Record<string, unknown>>(schema.properties)) {
    expect(field.description).toMatch(/\.$/);
    expect(field.default).toBe(new Config()[name as keyof Config]);
    expect(field.type ?? field.anyOf).toBeDefined();
  }
  expect(schema.properties.threads).toMatchObject({ type: 'integer', minimum: 0, maximum: 1024 });
  expect(schema.properties.ranking.anyOf.map((each: { const: string }) => each.const)).toEqual(['quota', 'global']);
});

test('numbers are held to the range that the schema tells', () => {
  const numbers = Object.entries(Config.schema.properties).filter(([, { type }]) => type === 'integer');
  expect(numbers.length).toBeGreaterThan(4);
  for (const [name, { minimum, maximum }] of numbers as [string, { minimum: number; maximum: number }][]) {
    for (const inside of [minimum, maximum]) expect(new Config({ [name]: inside })).toMatchObject({ [name]: inside });
    for (const outside of [minimum - 1, maximum + 1]) expect(failure({ [name]: outside }).message).toContain(`${name}: got ${outside}`);
  }
});

const revoked = Proxy.revocable({}, {});
revoked.revoke();

test.each([
  ['a revoked proxy', revoked.proxy],
  [
    'a getter that throws',
    Object.defineProperty({}, 'quiet', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    }),
  ],
  ['a setting that is a revoked proxy', { quiet: revoked.proxy }],
  ['a symbol', Symbol('config')],
])('%s is no config', (_, input) => {
  expect(failure(input)).toBeInstanceOf(InterrogatorError);
  expect(failure(input).code).toBe('ERR_CONFIG');
});
