/** Putting prompts together, as clip-interrogator 0.6.0 does. */

const TRENDING_SITES = [
  'Artstation',
  'behance',
  'cg society',
  'cgsociety',
  'deviantart',
  'dribble',
  'flickr',
  'instagram',
  'pexels',
  'pinterest',
  'pixabay',
  'pixiv',
  'polycount',
  'reddit',
  'shutterstock',
  'tumblr',
  'unsplash',
  'zbrush central',
];

/** The trending terms: every site plainly, then in three phrases; 72 in all. */
export function trendingLabels(): string[] {
  return [
    ...TRENDING_SITES,
    ...TRENDING_SITES.map((site) => `trending on ${site}`),
    ...TRENDING_SITES.map((site) => `featured on ${site}`),
    ...TRENDING_SITES.map((site) => `${site} contest winner`),
  ];
}

/** "by X" for every artist, then "inspired by X" for every artist. */
export function artistLabels(names: readonly string[]): string[] {
  return [...names.map((name) => `by ${name}`), ...names.map((name) => `inspired by ${name}`)];
}

/** "caption, medium artist, trending, movement, flavors"; a caption that begins with the medium does not repeat it. */
export function classicPrompt(
  caption: string,
  { medium, artist, trending, movement, flavors }: Record<'medium' | 'artist' | 'trending' | 'movement', string> & { flavors: string[] },
): string {
  const style = `${artist}, ${trending}, ${movement}, ${flavors.join(', ')}`;
  return caption.startsWith(medium) ? `${caption} ${style}` : `${caption}, ${medium} ${style}`;
}

export function fastPrompt(caption: string, terms: readonly string[]): string {
  return `${caption}, ${terms.join(', ')}`;
}

/**
 * Keeps a prompt's parts, the first always, up to the one that would fill the context.
 * The reference's test leaves out the ", " before the part, so it may keep one part too many; `corrected` counts it.
 */
export async function truncateToFit(prompt: string, fillsContext: (text: string) => Promise<boolean>, corrected: boolean): Promise<string> {
  const [first = '', ...parts] = prompt.split(', ');
  const separator = corrected ? ', ' : '';
  let kept = first;
  for (const part of parts) {
    if (await fillsContext(kept + separator + part)) break;
    kept += `, ${part}`;
  }
  return kept;
}
