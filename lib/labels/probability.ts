import { invalid } from '../arguments';

/** How a model's weights make a logit of a cosine similarity: scale × similarity + bias; null for what they do not have. */
export interface Logits {
  scale: number | null;
  bias: number | null;
}

/**
 * What makes a probability of a label's cosine similarity with an image, as the model was trained to give it: softmax of the logits over
 * `similarities`, those of all labels; of models with a bias (SigLIP) the sigmoid of its own logit, which needs none of the others. Throws
 * ERR_INVALID_ARGUMENT where the weights have no scale.
 */
export function probabilityOf(similarities: Iterable<number>, { scale, bias }: Logits): (similarity: number) => number {
  if (scale === null) throw invalid('scores: the weights of this model have no logit_scale, so that there are no probabilities.');
  if (bias !== null) return (similarity) => 1 / (1 + Math.exp(-(scale * similarity + bias)));
  let most = -1;
  for (const similarity of similarities) most = Math.max(most, similarity);
  // From the largest on, so that no power overflows.
  let sum = 0;
  for (const similarity of similarities) sum += Math.exp(scale * (similarity - most));
  return (similarity) => Math.exp(scale * (similarity - most)) / sum;
}
