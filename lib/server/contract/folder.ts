/** `/v1/folder`: the folder of pictures that the server was started with. */
import { type Static, Type } from '@sinclair/typebox';
import { ModeName, NO_NUL, oneOf, orNull } from './common';

export const FolderPicture = Type.Object(
  {
    id: Type.String({ description: 'Its place in the folder: a digest of its path.' }),
    path: Type.String({ description: 'Below the folder.' }),
    bytes: Type.Integer(),
    caption: orNull(Type.String({ description: 'The text beside it (PATH.txt); null where there is none.' })),
    texts: Type.Record(Type.String(), Type.String(), { description: 'What the last run made, by mode.' }),
    width: Type.Optional(Type.Integer()),
    height: Type.Optional(Type.Integer()),
    error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
    group: Type.Optional(Type.Integer({ description: 'Pictures with the same number are duplicates.' })),
    similarity: Type.Optional(Type.Number({ description: 'With the phrase of `similar`.' })),
  },
  { title: 'FolderPicture' },
);
export type FolderPicture = Static<typeof FolderPicture>;

export const FolderQuery = Type.Object({
  text: Type.Optional(Type.String({ maxLength: 1000, description: 'In the path, the caption or a text.' })),
  similar: Type.Optional(Type.String({ maxLength: 1000, description: 'Order by similarity with this phrase.' })),
  filter: Type.Optional(oneOf(['all', 'missing', 'failed', 'duplicates'])),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
});
export type FolderQuery = Static<typeof FolderQuery>;

export const FolderPictures = Type.Object(
  { pictures: Type.Array(FolderPicture), total: Type.Integer({ description: 'Of those that match.' }) },
  { title: 'FolderPictures' },
);

export const FolderRun = Type.Object(
  {
    state: oneOf(['never', 'running', 'paused', 'ended', 'interrupted', 'failed']),
    done: Type.Integer(),
    total: orNull(Type.Integer()),
    failed: Type.Integer(),
    perSecond: orNull(Type.Number()),
    secondsLeft: orNull(Type.Number()),
    message: Type.Optional(Type.String()),
  },
  { title: 'FolderRun' },
);
export type FolderRun = Static<typeof FolderRun>;

export const Folder = Type.Object(
  { name: Type.String(), pictures: Type.Integer(), captioned: Type.Integer(), failed: Type.Integer(), run: FolderRun },
  { title: 'Folder' },
);

export const FolderRunBody = Type.Object(
  {
    modes: Type.Optional(Type.Array(ModeName, { minItems: 1, uniqueItems: true })),
    again: Type.Optional(oneOf(['missing', 'errors', 'all'])),
    sidecar: Type.Optional(Type.Boolean({ description: 'Write each text beside its picture, where there is none yet.' })),
  },
  { title: 'FolderRunBody', additionalProperties: false },
);

/** Of what is written beside a picture: longer strings are taken out of bodies (bodies/long-strings.ts). */
const LONGEST_CAPTION = 20_000;

export const CaptionEdit = Type.Object(
  {
    caption: orNull(Type.String({ maxLength: LONGEST_CAPTION, pattern: NO_NUL, description: 'null removes the file beside the picture.' })),
    expected: Type.Optional(
      orNull(
        Type.String({
          maxLength: LONGEST_CAPTION,
          pattern: NO_NUL,
          description: 'What the caption was before; 409 where it is another by now.',
        }),
      ),
    ),
  },
  { title: 'CaptionEdit', additionalProperties: false },
);
