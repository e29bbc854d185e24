/** Modes one after the other, for those who want to know of each as soon as it is there. */
import type { ImageInput, Interrogator, ModesAnswer, ModesOptions } from '../../index';

/** As describeModes(), which it is where nobody wants to be told. The features are to be closed, unless they were given. */
export async function describeInTurn(
  interrogator: Interrogator,
  image: ImageInput,
  tell: ((description: ModesAnswer['descriptions'][number]) => void) | undefined,
  { modes, ...options }: ModesOptions,
): Promise<ModesAnswer> {
  const [first, ...others] = modes;
  if (!tell || first === undefined) return interrogator.describeModes(image, { modes, ...options });
  const answer = await interrogator.describeModes(image, { ...options, modes: [first] });
  const { features } = answer;
  const descriptions = [...answer.descriptions];
  let { caption } = answer;
  try {
    for (const description of descriptions) tell(description);
    for (const mode of others) {
      const known = { features, ...(caption !== null && { caption }), termCount: 0 };
      const next = await interrogator.describeModes(image, { ...options, ...known, modes: [mode] });
      caption ??= next.caption;
      for (const description of next.descriptions) {
        descriptions.push(description);
        tell(description);
      }
    }
  } catch (error) {
    if (!options.features) features.close();
    throw error;
  }
  return { ...answer, descriptions, caption };
}
