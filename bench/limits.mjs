/** The dimensions of the measured models, as arithmetic.mjs takes them, and what they cost at a machine's rates. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as arithmetic from './arithmetic.mjs';

export function readManifest(bundle) {
  return JSON.parse(readFileSync(path.join(bundle, 'manifest.json'), 'utf8'));
}

/** Of one image's features; null for an image tower that has no formula here: a ResNet, whose `layers` are several, or another pooling. */
export function imageFlops({ embedDim, image, source }) {
  const { layers, width, patch_size: patchSize, mlp_ratio: ratio = 4, attentional_pool, pool_type = 'tok' } = source.config.vision_cfg;
  if (Array.isArray(layers) || attentional_pool || pool_type !== 'tok') return null;
  return arithmetic.classTokenVisionFlops({ imageSize: image.size[0], patchSize, layers, width, mlpWidth: width * ratio, embedDim });
}

/** Of the features of texts, given as open_clip's padded ids. */
export function textsFlops(paddedIds, { embedDim, text, source }) {
  const { layers, width, eotId } = text;
  const mlpWidth = width * (source.config.text_cfg.mlp_ratio ?? 4);
  const tree = arithmetic.prefixTree(paddedIds.map((ids) => arithmetic.untilEnd(ids, eotId)));
  return arithmetic.textFlops(tree, { layers, width, mlpWidth, embedDim });
}

/**
 * Seconds of one caption of `tokens` tokens: the vision tower, and the longer of decoding's arithmetic and of reading the decoder's
 * weights once, which a decoder that has drafted every token would do.
 */
export function captionSeconds(tokens, { vision, decoder, source }, { flops, bytes }) {
  // A manifest leaves out what is transformers' default.
  const { hidden_size = 768, intermediate_size = 3072, num_hidden_layers = 12, patch_size = 16 } = source.config.vision_config;
  const imageSize = vision.size[0];
  const decoderSizes = {
    imageTokens: arithmetic.visionTokens(imageSize, patch_size).tokens,
    imageWidth: hidden_size,
    layers: decoder.layers,
    width: decoder.heads * decoder.headDim,
    mlpWidth: source.config.text_config.intermediate_size ?? 3072,
    vocabulary: decoder.vocabSize,
  };
  const encoder = { imageSize, patchSize: patch_size, layers: num_hidden_layers, width: hidden_size, mlpWidth: intermediate_size };
  const once = (arithmetic.wholeVisionFlops(encoder) + arithmetic.crossFlops(decoderSizes)) / flops;
  let decoding = 0;
  for (let position = 0; position < tokens; position += 1) decoding += arithmetic.decodeFlops(position, decoderSizes);
  return once + Math.max(decoding / flops, arithmetic.decodeBytes(decoderSizes) / bytes);
}

/** Bytes of a table's embeddings: float16, each read once. */
export function labelBytes(labels, embedDim) {
  return labels * embedDim * 2;
}

/** Of one image's cosines with all embeddings of a table. */
export function rankingFlops(labels, embedDim) {
  return 2 * labels * embedDim;
}

/** Seconds of so many images in fast mode, their captions given, at a machine's rates. Ranked together they need the embeddings read once. */
export function rankedImageLimit({ clip, mergedLabels }, images) {
  const flops = imageFlops(clip);
  const bytes = labelBytes(mergedLabels.length, clip.embedDim);
  const products = images * rankingFlops(mergedLabels.length, clip.embedDim);
  return flops && ((rates) => (images * flops) / rates.flops + Math.max(bytes / rates.bytes, products / rates.flops));
}
