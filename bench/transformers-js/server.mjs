/** transformers.js as a service: reads {id, call, arguments} from stdin, a line each, answers {id, result} or {id, error}. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  AutoProcessor,
  AutoTokenizer,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
  env,
  RawImage,
} from '@huggingface/transformers';

let models;

const CALLS = {
  async open({ model, threads }) {
    env.allowRemoteModels = false;
    env.localModelPath = path.dirname(model);
    const name = path.basename(model);
    const settings = { device: 'cpu', dtype: 'fp32', session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 } };
    models = {
      processor: await AutoProcessor.from_pretrained(name),
      tokenizer: await AutoTokenizer.from_pretrained(name),
      vision: await CLIPVisionModelWithProjection.from_pretrained(name, { ...settings, model_file_name: 'vision_model' }),
      text: await CLIPTextModelWithProjection.from_pretrained(name, { ...settings, model_file_name: 'text_model' }),
    };
    return { versions: { transformers: env.version, onnxruntime: onnxruntimeVersion() } };
  },

  image: ({ path: file }) =>
    timed(async () => {
      const { image_embeds } = await models.vision(await models.processor(await RawImage.read(file)));
      return image_embeds;
    }),

  texts: ({ texts }) =>
    timed(async () => {
      const { text_embeds } = await models.text(models.tokenizer(texts, { padding: 'max_length', truncation: true }));
      return text_embeds;
    }),
};

async function timed(work) {
  const began = performance.now();
  const embeddings = (await work()).normalize();
  return { seconds: (performance.now() - began) / 1000, features: Array.from(embeddings.data) };
}

function onnxruntimeVersion() {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  return JSON.parse(readFileSync(path.join(path.dirname(entry), '..', 'package.json'), 'utf8')).version;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, arguments: given } = JSON.parse(line);
  const answer = await CALLS[call](given).then(
    (result) => ({ id, result }),
    (error) => ({ id, error: error.stack }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
