/** transformers.js as a service. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import {
  AutoProcessor,
  AutoTokenizer,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
  env,
  RawImage,
} from '@huggingface/transformers';
import { serve } from '../serve.mjs';

let models;

await serve({
  /** Versions. */
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
    const runtime = path.join(path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node')), '..', 'package.json');
    return { transformers: env.version, onnxruntime: JSON.parse(readFileSync(runtime, 'utf8')).version };
  },

  image: ({ path: file }) =>
    timed(async () => {
      const { image_embeds } = await models.vision(await models.processor(await RawImage.read(file)));
      return image_embeds;
    }),

  texts: ({ texts }) =>
    timed(async () => {
      // The bundle's tokenizer leaves to its user where start and end belong, and what is lower-case.
      const whole = texts.map((text) => `<start_of_text>${text.toLowerCase()}<end_of_text>`);
      const { text_embeds } = await models.text(models.tokenizer(whole, { padding: 'max_length', truncation: true }));
      return text_embeds;
    }),
});

async function timed(work) {
  const began = performance.now();
  const embeddings = (await work()).normalize();
  return { seconds: (performance.now() - began) / 1000, features: Array.from(embeddings.data) };
}
