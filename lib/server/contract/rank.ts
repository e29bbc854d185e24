/** `POST /v1/rank`, `/v1/similarity` and `/v1/features`. */
import { type Static, Type } from '@sinclair/typebox';
import { ClipModelName, Image, Label, LONGEST_LABEL, MOST_IMAGES, MOST_LABELS, oneOf, Picture, RankedTerm, Text } from './common';

const Images = Type.Union([Image, Type.Array(Image, { minItems: 1, maxItems: MOST_IMAGES })], { description: 'One picture, or several.' });

export const RankBody = Type.Object(
  {
    image: Images,
    labels: Type.Optional(Type.Array(Label, { minItems: 1, maxItems: MOST_LABELS, description: 'What to rank; or name a `table`.' })),
    table: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'A table of the server: artists, flavors, mediums, movements, trendings, negative, or an uploaded one.',
      }),
    ),
    template: Type.Optional(
      Type.String({
        maxLength: LONGEST_LABEL,
        pattern: '\\{\\}',
        description: "Encoded in a label's place: 'a photo of {}'. Of `labels` alone.",
      }),
    ),
    topCount: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_LABELS, description: 'Default 10.' })),
    scores: Type.Optional(oneOf(['cosine', 'probability'], 'Default cosine.')),
    reverse: Type.Optional(Type.Boolean({ description: 'The least similar first.' })),
    threshold: Type.Optional(
      Type.Number({ description: 'Leave out what is less similar (with `scores: probability`, less likely) than this.' }),
    ),
    clipModelName: Type.Optional(ClipModelName),
  },
  { title: 'RankBody', additionalProperties: false },
);
export type RankBody = Static<typeof RankBody>;

export const RankAnswer = Type.Object(
  {
    results: Type.Array(Type.Object({ picture: Picture, ranked: Type.Array(RankedTerm) }), {
      description: 'A result a picture, in their order.',
    }),
    clipModelName: Type.String(),
    seconds: Type.Number(),
  },
  { title: 'RankAnswer' },
);
export type RankAnswer = Static<typeof RankAnswer>;

export const SimilarityBody = Type.Object(
  {
    image: Images,
    text: Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: MOST_LABELS })], { description: 'One text, or several.' }),
    clipModelName: Type.Optional(ClipModelName),
  },
  { title: 'SimilarityBody', additionalProperties: false },
);
export type SimilarityBody = Static<typeof SimilarityBody>;

export const SimilarityAnswer = Type.Object(
  {
    similarities: Type.Array(Type.Array(Type.Number()), { description: 'Cosine similarities, -1 … 1: a row a picture, a column a text.' }),
    pictures: Type.Array(Picture),
    clipModelName: Type.String(),
    seconds: Type.Number(),
  },
  { title: 'SimilarityAnswer' },
);
export type SimilarityAnswer = Static<typeof SimilarityAnswer>;

export const FeaturesBody = Type.Object(
  {
    image: Type.Optional(Images),
    text: Type.Optional(Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: MOST_LABELS })])),
    encoding: Type.Optional(oneOf(['float', 'base64'], 'base64: little-endian float32, a row a text. Default float.')),
    clipModelName: Type.Optional(ClipModelName),
  },
  { title: 'FeaturesBody', additionalProperties: false },
);
export type FeaturesBody = Static<typeof FeaturesBody>;

export const FeaturesAnswer = Type.Object(
  {
    features: Type.Array(Type.Union([Type.Array(Type.Number()), Type.String()]), {
      description: 'Unit-length rows of `dim` numbers: of the pictures, then of the texts.',
    }),
    dim: Type.Integer(),
    pictures: Type.Array(Picture),
    clipModelName: Type.String(),
    seconds: Type.Number(),
  },
  { title: 'FeaturesAnswer' },
);
