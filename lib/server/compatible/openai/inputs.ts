/** What is to be embedded or classified, in the ways of OpenAI, Infinity, vLLM and Jina. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { badRequest } from '../../answers/refusal';
import { LONGEST_TEXT } from '../../contract/common';
import type { Service } from '../../service';
import type { Caller } from '../../work/caller';
import type { Embedded } from '../../work/embed';
import { type Message, partsOf } from './messages';

/** As many as OpenAI takes. */
export const MOST_INPUTS = 2048;
/** Token ids of one text in one request; they are refused, but are to be told so. */
const MOST_TOKENS = 100_000;

const JinaItem = Type.Object({
  text: Type.Optional(Type.String()),
  image: Type.Optional(Type.String({ description: 'Base64, a data: URL, or an http(s) URL where the server allows them.' })),
});

export const Items = Type.Union(
  [
    Type.String(),
    Type.Array(Type.Union([Type.String(), JinaItem]), { minItems: 1, maxItems: MOST_INPUTS }),
    Type.Array(Type.Integer(), { minItems: 1, maxItems: MOST_TOKENS, description: 'Token ids are refused.' }),
    Type.Array(Type.Array(Type.Integer(), { maxItems: MOST_TOKENS }), { minItems: 1, maxItems: MOST_INPUTS }),
  ],
  { description: 'A text or several; with modality image, pictures; or items {"text": …} and {"image": …}.' },
);
export type Items = Static<typeof Items>;

export type Input = { text: string } | { image: string };

/** Throws 400 for token ids, and for items that are neither text nor picture. */
export function inputsOf(items: Items, modality: 'text' | 'image'): Input[] {
  const list = typeof items === 'string' ? [items] : items;
  return list.map((item, i) => {
    if (typeof item === 'number' || Array.isArray(item)) {
      throw badRequest('Token ids of another model mean nothing to this one.', 'Send the text itself.');
    }
    if (typeof item === 'string') return modality === 'image' ? { image: item } : { text: textIn(item) };
    const { text, image } = item;
    if ((text === undefined) === (image === undefined)) throw badRequest(`input.${i} must have text or image: one of the two.`);
    return image === undefined ? { text: textIn(text as string) } : { image };
  });
}

/** vLLM's: a conversation is one input, its picture or its text. */
export function inputOfMessages(messages: readonly Message[]): Input {
  const { texts, images } = partsOf(messages);
  const text = texts.filter((each) => each.trim() !== '').join('\n');
  const [image, another] = images;
  if (another !== undefined) throw badRequest('The messages have more than one picture: send one in each request.');
  if (image === undefined) return { text: textIn(text) };
  if (text !== '') throw badRequest('The messages have a picture and a text: CLIP embeds one of the two.');
  return { image };
}

/** Rows in the order of the inputs. */
export async function embedInputs(
  service: Service,
  request: FastifyRequest,
  caller: Caller,
  inputs: readonly Input[],
  clip: string,
): Promise<Embedded & { tokens: number }> {
  const { embedding } = service.parts;
  const texts = inputs.flatMap((input) => ('text' in input ? [input.text] : []));
  const pictures = [];
  for (const input of inputs) {
    if ('image' in input) pictures.push(await service.intake.picture(request, input.image, caller.signal));
  }
  const pictureRows = await embedding.pictures(caller, pictures, clip);
  const textRows = await embedding.textRows(caller, texts, clip);
  const counts = await embedding.tokens(caller, texts, clip);
  const [nextPicture, nextText] = [pictureRows.rows.values(), textRows.rows.values()];
  const rows = inputs.map((input) => ('text' in input ? nextText : nextPicture).next().value as Float32Array);
  return { rows, dim: rows[0]?.length ?? 0, tokens: counts.reduce((sum, { read }) => sum + read, 0) };
}

/** A long string was taken out of the body: it is a picture, or too long. */
function textIn(text: string): string {
  if (text.length > LONGEST_TEXT || text.includes('\u0000')) {
    throw badRequest(`A text has more than ${LONGEST_TEXT} characters, or NUL in it.`, PICTURES);
  }
  if (/^data:image\//i.test(text)) throw badRequest('A text is the data: URL of a picture.', PICTURES);
  return text;
}

const PICTURES = 'Pictures are sent with modality: "image", or as {"image": …}.';
