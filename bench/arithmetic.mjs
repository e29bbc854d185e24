/**
 * The arithmetic that no exact implementation can leave out, in floating-point operations (a multiply-add is two): matrix
 * products and attention. Norms, activations and softmax are left out: they are a hundredth of it.
 */

/** The last token of an open_clip text is its end token, the largest id. */
export function untilEnd(paddedIds, endId) {
  return paddedIds.slice(0, paddedIds.indexOf(endId) + 1);
}

/**
 * The distinct prefixes of token lists. Under a causal mask texts that begin alike share the work of their beginning.
 * `positions`: of every node; `ends`: the positions of the nodes that end a text.
 */
export function prefixTree(tokenLists) {
  const root = new Map();
  const positions = [];
  const ends = new Map();
  for (const list of tokenLists) {
    let node = root;
    for (const [position, id] of list.entries()) {
      if (!node.has(id)) {
        node.set(id, new Map());
        positions.push(position);
      }
      node = node.get(id);
    }
    ends.set(node, list.length - 1);
  }
  return { positions, ends: [...ends.values()] };
}

/** CLIP's causal text tower over a prefix tree: of the last layer, all of the nodes that end a text. */
export function textFlops({ positions, ends }, { embedDim, ...sizes }) {
  const pairs = (of) => of.reduce((total, position) => total + position + 1, 0);
  const tower = towerFlops({ rows: positions.length, pairs: pairs(positions), ends: ends.length, endPairs: pairs(ends) }, sizes);
  return tower + linear(ends.length, sizes.width, embedDim);
}

/** A vision transformer that answers with its class token: of the last layer, all of that one. */
export function classTokenVisionFlops({ imageSize, patchSize, embedDim, ...sizes }) {
  const { tokens, patches } = visionTokens(imageSize, patchSize);
  const tower = towerFlops({ rows: tokens, pairs: tokens * tokens, ends: 1, endPairs: tokens }, sizes);
  return linear(patches, 3 * patchSize ** 2, sizes.width) + tower + linear(1, sizes.width, embedDim);
}

/** A vision transformer all of whose tokens are needed, as a captioner's are. */
export function wholeVisionFlops({ imageSize, patchSize, layers, width, mlpWidth }) {
  const { tokens, patches } = visionTokens(imageSize, patchSize);
  return linear(patches, 3 * patchSize ** 2, width) + layers * layer(tokens, tokens * tokens, tokens, { width, mlpWidth });
}

/** Keys and values of the image for every layer of a captioner's decoder: once a caption. */
export function crossFlops({ imageTokens, imageWidth, layers, width }) {
  return layers * 2 * linear(imageTokens, imageWidth, width);
}

/** One decoded token at a position: every layer attends to the caption so far and to the image. */
export function decodeFlops(position, { imageTokens, layers, width, mlpWidth, vocabulary }) {
  const self = linear(1, width, 4 * width) + attention(position + 1, width);
  const cross = linear(1, width, 2 * width) + attention(imageTokens, width);
  const mlp = 2 * linear(1, width, mlpWidth);
  return layers * (self + cross + mlp) + linear(1, width, width) + linear(1, width, vocabulary);
}

/** Bytes of float32 numbers that decoding reads at least once each: the decoder's weights, and the image's keys and values. */
export function decodeBytes({ imageTokens, layers, width, mlpWidth, vocabulary }) {
  const weights = layers * (6 * width ** 2 + 2 * width * mlpWidth) + width ** 2 + width * vocabulary;
  return 4 * (weights + layers * 2 * imageTokens * width);
}

export function visionTokens(imageSize, patchSize) {
  const patches = (imageSize / patchSize) ** 2;
  return { patches, tokens: patches + 1 };
}

/**
 * Layers over so many rows, which attend to `pairs` in all. What follows the last one reads `ends` rows only: of the other rows it
 * needs keys and values.
 */
function towerFlops({ rows, pairs, ends, endPairs }, { layers, ...sizes }) {
  return (layers - 1) * layer(rows, pairs, rows, sizes) + layer(rows, endPairs, ends, sizes);
}

/** Keys and values of all rows; queries, output projection, attention and the MLP's two products of `needed` ones. */
function layer(rows, pairs, needed, { width, mlpWidth }) {
  return linear(rows, width, 2 * width) + linear(needed, width, 2 * width) + 2 * linear(needed, width, mlpWidth) + attention(pairs, width);
}

/** Scores and weighted values of `pairs` of query and key, all heads together. */
function attention(pairs, width) {
  return 4 * pairs * width;
}

function linear(rows, from, to) {
  return 2 * rows * from * to;
}
