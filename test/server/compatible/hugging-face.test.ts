import { InferenceClient, InferenceClientProviderApiError } from '@huggingface/inference';
import type { Interrogator } from '../../../lib';
import { APPLE, base64, ROCKET, type Served, served, servedBesideLibrary } from '../served';
import { rowsOf } from './rows';

let server: Served;
let interrogator: Interrogator;

servedBesideLibrary((both) => {
  ({ server, interrogator } = both);
});

const clientOf = (path: string, key?: string): InferenceClient => new InferenceClient(key, { endpointUrl: server.url + path });
const arrayOf = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

test.each(['/hf/sample', '/hf/models/sample', '/hf/'])('image to text of %s is the caption of the library', async (path) => {
  for (const bytes of [APPLE, ROCKET]) {
    const wanted = { generated_text: await interrogator.generateCaption(bytes) };
    const client = clientOf(path);
    expect(await client.imageToText({ data: new Blob([bytes], { type: 'image/png' }) })).toEqual(wanted);
    // Without a type.
    expect(await client.imageToText({ data: new Blob([bytes]) })).toEqual(wanted);
    expect(await client.imageToText({ inputs: new Blob([bytes]) })).toEqual(wanted);
    expect(await client.imageToText({ data: arrayOf(bytes) })).toEqual(wanted);
  }
});

test('a picture in JSON, or as curl --data-binary sends it, is the same', async () => {
  const wanted = { generated_text: await interrogator.generateCaption(ROCKET, { captionMaxLength: 3 }) };
  const parameters = { max_new_tokens: 3 };
  expect((await server.post('/hf/sample', { inputs: base64(ROCKET), parameters })).body).toEqual(wanted);
  const inner = { generation_parameters: parameters };
  expect((await server.post('/hf/sample', { inputs: { image: base64(ROCKET) }, parameters: inner })).body).toEqual(wanted);
  const curl = await server.post('/hf/sample', new Uint8Array(ROCKET), {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(curl.body).toEqual({ generated_text: await interrogator.generateCaption(ROCKET) });
});

test('zero-shot image classification has the probabilities of the model', async () => {
  const candidate_labels = ['rocket', 'apple', 'cat'];
  const [picture = []] = await rowsOf(interrogator, { images: [ROCKET] });
  for (const hypothesis_template of [undefined, 'a drawing of a {}']) {
    const texts = candidate_labels.map((label) => (hypothesis_template ?? 'This is a photo of {}.').replace('{}', label));
    const rows = await rowsOf(interrogator, { texts });
    const logits = rows.map(
      (row) => (interrogator.logits.scale as number) * row.reduce((sum, x, at) => sum + x * (picture[at] as number), 0),
    );
    const sum = logits.reduce((so, logit) => so + Math.exp(logit), 0);
    const wanted = candidate_labels
      .map((label, i) => ({ label, score: Math.exp(logits[i] as number) / sum }))
      .sort((a, b) => b.score - a.score);
    const parameters = { candidate_labels, ...(hypothesis_template && { hypothesis_template }) };
    const answer = await clientOf('/hf/sample').zeroShotImageClassification({ inputs: new Blob([ROCKET]), parameters });
    expect(answer.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
    for (const [i, { score }] of answer.entries()) expect(score).toBeCloseTo(wanted[i]?.score as number, 4);
  }
});

test.each([
  ['an unknown model', '/hf/some/body', APPLE, 404, /some\/body/],
  ['a broken picture', '/hf/sample', Buffer.from('no picture at all'), 422, /./],
])("%s is the client's own error", async (_, path, bytes, status, message) => {
  const error = await clientOf(path)
    .imageToText({ data: new Blob([bytes]) })
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InferenceClientProviderApiError);
  expect(error).toMatchObject({
    message: expect.stringMatching(message),
    httpResponse: { status, requestId: expect.stringMatching(/\S/) },
  });
});

test("a wrong key is the client's own error", async () => {
  const locked = await served({ apiKey: ['right'] });
  try {
    const ask = (key: string) =>
      new InferenceClient(key, { endpointUrl: `${locked.url}/hf/sample` }).imageToText({ data: new Blob([APPLE]) });
    await expect(ask('wrong')).rejects.toMatchObject({ httpResponse: { status: 401 }, message: expect.stringContaining('key') });
    expect((await ask('right')).generated_text).not.toBe('');
  } finally {
    await locked.close();
  }
});
