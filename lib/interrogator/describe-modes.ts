/** Several modes in one pass over an image. */
import type { OptionsCall } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { Features, oneImage } from '../engine/features';
import type { HeldImage } from '../engine/held-image';
import type { ImageInput } from '../image';
import type { Modes } from './modes';
import type { ModesAnswer, ModesOptions } from './options';

export async function describeModes(
  engine: Engine,
  modes: Modes,
  image: ImageInput,
  call: OptionsCall<ModesOptions>,
): Promise<ModesAnswer> {
  const { modes: asked, termCount = 0, similarities = true, ...options } = call.options;
  modes.requireTerms(asked);
  const given = options.features && oneImage(options.features);
  const needsCaption = !options.caption && asked.some((mode) => mode !== 'negative');
  // Asked for before anything is decoded: there may be none.
  const captioner = needsCaption ? engine.captioner : undefined;
  let size: Pick<ModesAnswer, 'width' | 'height' | 'truncated'> = {};
  let caption = options.caption || null;
  let features = options.features;
  if (captioner || !given) {
    using decoded: HeldImage = await engine.decode(image, call);
    const { width, height } = decoded.native;
    size = { width, height, ...(decoded.isTruncated && { truncated: true }) };
    if (captioner) caption = await captioner.caption(decoded, call, options);
    features ??= new Features(engine, await engine.clip.imageFeatures(decoded, call));
  }
  const rows = oneImage(features as Features);
  try {
    const descriptions: ModesAnswer['descriptions'][number][] = [];
    for (const mode of asked) {
      const prompt = await modes.prompt(rows, caption, { ...options, mode });
      // Each for itself: on a GPU a similarity depends in its last digits on what is encoded beside the text.
      const [similarity] = similarities ? await engine.clip.similarities(rows, [prompt], call) : [];
      descriptions.push({ mode, prompt, ...(similarity !== undefined && { similarity }) });
    }
    return { descriptions, caption, terms: await modes.terms(rows, termCount), features: features as Features, ...size };
  } catch (error) {
    if (!given) features?.close();
    throw error;
  }
}
