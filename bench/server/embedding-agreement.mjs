/** Whether two servers give the same embeddings of the same pictures. */

const LEAST_COSINE = 0.999;

/**
 * `ours` and `theirs`: unit vectors, one a picture. `least` is the smallest cosine of a picture's two vectors. `fault` says why they are not
 * the same, if they are not: that cosine is too small, or a picture's vector is as near to another picture's, as it is where pictures hardly
 * count.
 */
export function disagreement(ours, theirs) {
  const own = ours.map((vector, picture) => cosine(vector, theirs[picture]));
  const least = own.reduce((smallest, value) => Math.min(smallest, value), 1);
  if (!(least >= LEAST_COSINE)) return { least, fault: `a picture's embeddings have a cosine of ${least}, less than ${LEAST_COSINE}` };
  const mistaken = ours.findIndex((vector, picture) =>
    theirs.some((other, another) => another !== picture && cosine(vector, other) >= own[picture]),
  );
  if (mistaken !== -1) return { least, fault: `picture ${mistaken} is as near to another picture's embedding as to its own` };
  return { least };
}

function cosine(a, b) {
  if (a.length !== b.length) return Number.NaN;
  let [product, ofA, ofB] = [0, 0, 0];
  for (let at = 0; at < a.length; at += 1) {
    product += a[at] * b[at];
    ofA += a[at] ** 2;
    ofB += b[at] ** 2;
  }
  return product / Math.sqrt(ofA * ofB);
}
