/** What several routes of `/v1` take and answer. One schema is the check, the type and the OpenAPI document. */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { MODES, type Mode } from '../../index';

/** One of some texts, as an `enum`. */
export function oneOf<const T extends string>(values: readonly T[], description?: string) {
  return Type.Unsafe<T>({ type: 'string', enum: [...values], ...(description !== undefined && { description }) });
}

/** What may be null. */
export function orNull<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()]);
}

/** Characters in one label, term or name at the most. CLIP reads the first 75 tokens of a text, which hardly ever are so many. */
export const LONGEST_LABEL = 1000;
/** Labels in one request at the most. Longer lists are tables: see `/v1/tables`. */
export const MOST_LABELS = 10_000;
/** Pictures in one request at the most. */
export const MOST_IMAGES = 1000;
/** Characters in a text that is encoded or that a prompt begins from. */
export const LONGEST_TEXT = 10_000;

/** NUL marks what the server took out of a body (bodies/long-strings.ts); no model reads it. */
export const NO_NUL = '^[^\\u0000]*$';

export const Label = Type.String({ minLength: 1, maxLength: LONGEST_LABEL, pattern: NO_NUL });
export const Text = Type.String({ maxLength: LONGEST_TEXT, pattern: NO_NUL });
export const ModeName = Type.Unsafe<Mode>({ type: 'string', enum: [...MODES], description: 'How a prompt is built.' });

export const Image = Type.String({
  minLength: 1,
  description:
    'A picture: Base64 of its file, a data: URL, an http(s) URL (where the server allows them), or `picture:` and the id of one that the server has seen lately. In multipart/form-data it is a file.',
});

export const ClipModelName = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'A CLIP model as `model/tag`. Default: the first that the server was started with.',
});
export const CaptionModelName = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'A caption model. Default: the first that the server was started with.',
});

export const Picture = Type.Object(
  {
    id: Type.String({
      description: "SHA-256 of the file's bytes: `picture:` and this stands for the picture in later requests, for a while.",
    }),
    width: Type.Optional(Type.Integer({ description: 'Pixels, where the picture was decoded by this server.' })),
    height: Type.Optional(Type.Integer()),
    truncated: Type.Optional(Type.Boolean({ description: 'The file ends too early, and was decoded as far as it goes.' })),
  },
  { title: 'Picture' },
);
export type Picture = Static<typeof Picture>;

export const RankedTerm = Type.Object(
  {
    label: Type.String(),
    similarity: Type.Number({ description: 'Cosine similarity with the picture, -1 … 1.' }),
    probability: Type.Optional(Type.Number({ description: '0 … 1, as the model was trained to give it.' })),
  },
  { title: 'RankedLabel' },
);

/** RFC 9457, of type application/problem+json. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'about:blank, or where the code is explained.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What was wrong.' }),
    code: Type.String({ description: 'Stable: ERR_IMAGE_FORMAT and the like; see docs/errors.md and docs/server.md.' }),
    hint: Type.Optional(Type.String({ description: 'What to do about it.' })),
    instance: Type.Optional(Type.String({ description: "The request's id, as in the logs." })),
    retryAfter: Type.Optional(Type.Number({ description: 'Seconds after which another try may succeed, as the header Retry-After.' })),
  },
  { $id: 'Problem', title: 'Problem' },
);
export type Problem = Static<typeof Problem>;
