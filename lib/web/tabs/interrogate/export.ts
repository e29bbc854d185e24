/** What the page has learnt of the pictures, as text and as JSON. */
import type { Picture } from '../../pictures/pictures';
import { asksOf } from './asking/asks';
import { MODES } from './asking/settings';

function answersOf(picture: Picture) {
  return MODES.flatMap((mode) => {
    const { answer } = asksOf(picture).modes[mode].peek();
    return answer ? [answer] : [];
  });
}

/** A block a picture: its name, then a line for each mode. */
export function promptsText(pictures: readonly Picture[]): string {
  const blocks = pictures.map((picture) => {
    const lines = answersOf(picture).flatMap(({ descriptions }) => descriptions.map(({ mode, prompt }) => `${mode}: ${prompt}`));
    return lines.length === 0 ? null : [picture.name, ...lines].join('\n');
  });
  return `${blocks.filter((block) => block !== null).join('\n\n')}\n`;
}

export function promptsJson(pictures: readonly Picture[]): string {
  const all = pictures.map((picture) => {
    const answers = answersOf(picture);
    const [first] = answers;
    if (!first) return null;
    const { clipModelName, captionModelName } = first;
    const caption = answers.find((answer) => answer.caption !== null)?.caption ?? null;
    const descriptions = answers.flatMap((answer) => answer.descriptions);
    return { name: picture.name, picture: first.picture, clipModelName, captionModelName, caption, descriptions };
  });
  return `${JSON.stringify(
    all.filter((each) => each !== null),
    null,
    2,
  )}\n`;
}
