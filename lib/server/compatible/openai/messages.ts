/** Messages of a chat: what of them matters here. */
import { type Static, Type } from '@sinclair/typebox';
import { orNull } from '../../contract/common';

const Part = Type.Object({
  type: Type.String({ maxLength: 100, description: 'text or image_url.' }),
  text: Type.Optional(orNull(Type.String())),
  image_url: Type.Optional(
    orNull(
      Type.Union([
        Type.String(),
        Type.Object({ url: Type.String({ description: 'A data: URL, or an http(s) URL where the server allows them.' }) }),
      ]),
    ),
  ),
});

export const Message = Type.Object({
  role: Type.String({ maxLength: 100 }),
  content: Type.Optional(orNull(Type.Union([Type.String(), Type.Array(Part, { maxItems: 1000 })]))),
});
export type Message = Static<typeof Message>;

export const Messages = Type.Array(Message, { minItems: 1, maxItems: 1000 });

/** Their texts and pictures, in order. */
export function partsOf(messages: readonly Message[]): { texts: string[]; images: string[] } {
  const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])));
  const texts: string[] = [];
  const images: string[] = [];
  for (const part of parts) {
    if ('image_url' in part && part.image_url) images.push(typeof part.image_url === 'string' ? part.image_url : part.image_url.url);
    else if (part.text) texts.push(part.text);
  }
  return { texts, images };
}
