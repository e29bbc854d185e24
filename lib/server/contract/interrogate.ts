/** `POST /v1/interrogate` and `POST /v1/caption`. */
import { type Static, Type } from '@sinclair/typebox';
import { CaptionModelName, ClipModelName, Image, Label, ModeName, orNull, Picture, RankedTerm, Text } from './common';

const Count = (most: number, description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: most, description }));

const Caption = {
  captionModelName: Type.Optional(CaptionModelName),
  captionMaxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: 512, description: 'Most tokens of the caption. Default 32.' })),
  numBeams: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, description: 'Beams that the caption is searched with. Default 1.' })),
};

export const InterrogateBody = Type.Object(
  {
    image: Image,
    modes: Type.Optional(Type.Array(ModeName, { minItems: 1, maxItems: 5, uniqueItems: true, description: "Default: ['best']." })),
    clipModelName: Type.Optional(ClipModelName),
    ...Caption,
    caption: Type.Optional(orNull(Text)),
    minFlavors: Count(1000, 'Terms that best mode takes even where similarity falls. Default 8.'),
    maxFlavors: Count(1000, 'Most terms. Default 32; classic mode 3.'),
    include: Type.Optional(Type.Array(Label, { maxItems: 1000, description: 'Terms that every prompt has, behind the caption.' })),
    exclude: Type.Optional(Type.Array(Label, { maxItems: 1000, description: 'Terms that no prompt has.' })),
    termCount: Count(1000, 'So many of the best terms of each table as well. Default 0.'),
    similarities: Type.Optional(Type.Boolean({ description: 'Say how similar each prompt is to the picture. Default false.' })),
    explain: Type.Optional(Type.Boolean({ description: 'Take each prompt apart: see `parts`. Default false.' })),
    ranking: Type.Optional(Type.Unsafe<'quota' | 'global'>({ type: 'string', enum: ['quota', 'global'], description: 'Default quota.' })),
    compat: Type.Optional(
      Type.Unsafe<'reference' | 'corrected'>({ type: 'string', enum: ['reference', 'corrected'], description: 'Default reference.' }),
    ),
  },
  { title: 'InterrogateBody', additionalProperties: false },
);
export type InterrogateBody = Static<typeof InterrogateBody>;

export const PromptPart = Type.Object(
  {
    text: Type.String(),
    similarity: Type.Number({ description: 'Of this part alone and the picture, -1 … 1.' }),
    gain: Type.Number({ description: 'What the similarity of the prompt rose by when this part came behind those before it.' }),
  },
  { title: 'PromptPart' },
);

export const Description = Type.Object(
  {
    mode: ModeName,
    prompt: Type.String(),
    tokens: Type.Integer({ description: "Tokens as the CLIP model reads it, without start and end; beyond the model's 75 it is cut." }),
    similarity: Type.Optional(Type.Number({ description: 'Of the prompt and the picture, -1 … 1, where it was asked for.' })),
    parts: Type.Optional(Type.Array(PromptPart, { description: 'The prompt at its commas, where `explain` was asked for.' })),
  },
  { title: 'Description' },
);

const Terms = Type.Partial(
  Type.Object(
    {
      mediums: Type.Array(RankedTerm),
      artists: Type.Array(RankedTerm),
      trendings: Type.Array(RankedTerm),
      movements: Type.Array(RankedTerm),
      flavors: Type.Array(RankedTerm),
    },
    { title: 'Terms' },
  ),
);

export const InterrogateAnswer = Type.Object(
  {
    descriptions: Type.Array(Description, { description: 'In the order of `modes`.' }),
    caption: Type.Union([Type.String(), Type.Null()], { description: 'What the prompts began from; null where no mode needed one.' }),
    terms: Terms,
    picture: Picture,
    clipModelName: Type.String(),
    captionModelName: Type.Union([Type.String(), Type.Null()]),
    contextTokens: Type.Integer({ description: 'Tokens of a prompt that the model reads: 75 of most.' }),
    seconds: Type.Number({ description: 'Wall time of the request on the server, waiting included.' }),
  },
  { title: 'InterrogateAnswer' },
);
export type InterrogateAnswer = Static<typeof InterrogateAnswer>;

export const CaptionBody = Type.Object(
  {
    image: Image,
    ...Caption,
    captionPrompt: Type.Optional(Text),
  },
  { title: 'CaptionBody', additionalProperties: false },
);
export type CaptionBody = Static<typeof CaptionBody>;

export const CaptionAnswer = Type.Object(
  { caption: Type.String(), picture: Picture, captionModelName: Type.String(), seconds: Type.Number() },
  { title: 'CaptionAnswer' },
);

/** An event of a stream, `event: progress`. */
export const ProgressData = Type.Object(
  {
    stage: Type.String({ description: "'queue', 'load', 'download …', 'labels …', 'caption', 'features', 'rank', 'chain'." }),
    done: Type.Number(),
    total: Type.Number(),
    prompt: Type.Optional(Type.String({ description: 'In a chain: the best prompt that was met so far.' })),
    similarity: Type.Optional(Type.Number({ description: 'Of that prompt and the picture.' })),
    seconds: Type.Optional(Type.Number({ description: "In stage 'queue': seconds until it begins, as estimated." })),
  },
  { title: 'Progress' },
);
export type ProgressData = Static<typeof ProgressData>;
