/** `/v1/models` (also OpenAI's list) and `/v1/status`. */
import { type Static, Type } from '@sinclair/typebox';
import { oneOf, orNull } from './common';

export const ModelKind = oneOf(['clip', 'caption']);

export const Model = Type.Object(
  {
    id: Type.String({ description: 'Its name: `ViT-L-14/openai`, `blip-large`.' }),
    object: Type.Literal('model'),
    created: Type.Integer({ description: 'Seconds since 1970: when the server began.' }),
    owned_by: Type.String(),
    kind: ModelKind,
    state: oneOf(['resident', 'loading', 'installed', 'available'], 'available: its weights are not on this machine yet.'),
    isDefault: Type.Boolean(),
    memory: orNull(Type.Integer({ description: 'Bytes that it takes while it is resident; null where that is not known yet.' })),
    download: orNull(Type.Integer({ description: 'Bytes to fetch before it can be loaded; null where that is not known.' })),
    embedDim: Type.Optional(Type.Integer()),
    isSample: Type.Boolean({ description: 'The small pair that the package brings along: for trying out.' }),
  },
  { title: 'Model' },
);
export type Model = Static<typeof Model>;

export const ModelList = Type.Object({ object: Type.Literal('list'), data: Type.Array(Model) }, { title: 'ModelList' });

export const ModelBody = Type.Object(
  { kind: ModelKind, name: Type.String({ minLength: 1, maxLength: 200 }) },
  { title: 'ModelBody', additionalProperties: false },
);

export const DeviceStatus = Type.Object(
  {
    name: Type.String({ description: 'cpu, cuda:0.' }),
    threads: Type.Integer(),
    running: Type.Integer({ description: 'Requests that the device works on.' }),
    waiting: Type.Integer({ description: 'Requests that wait for it.' }),
    waitSeconds: Type.Number({ description: 'Seconds of work that are ahead of a new request, as estimated.' }),
    busySeconds: Type.Number({ description: 'Since the start.' }),
    weightBytes: Type.Number(),
    memoryLimit: orNull(Type.Number()),
  },
  { title: 'Device' },
);
export type DeviceStatus = Static<typeof DeviceStatus>;

export const Status = Type.Object(
  {
    version: Type.String(),
    state: oneOf(['starting', 'ready', 'draining', 'failed']),
    uptime: Type.Number({ description: 'Seconds.' }),
    devices: Type.Array(DeviceStatus),
    clipModelName: Type.String({ description: 'The default.' }),
    captionModelName: orNull(Type.String()),
    onlySample: Type.Boolean({ description: 'No other model than the sample pair is resident: answers are for trying out.' }),
    cache: Type.Object({ pictures: Type.Integer(), bytes: Type.Number(), hits: Type.Number(), misses: Type.Number() }),
    process: Type.Object({
      rss: Type.Number(),
      eventLoopDelay: Type.Number({ description: 'Of the last seconds, p99, in milliseconds.' }),
    }),
    limits: Type.Object({ maxBody: Type.Number(), maxWait: Type.Number(), maxPixels: Type.Number() }),
    allows: Type.Object({ urls: Type.Boolean(), pull: Type.Boolean(), folder: Type.Boolean() }),
    fleet: orNull(
      Type.Object(
        { submits: Type.Boolean({ description: 'Clients may submit runs (--run-folders).' }) },
        { description: 'null where the server has no Redis: there are no /v1/runs then.' },
      ),
    ),
    needsKey: Type.Boolean(),
  },
  { title: 'Status' },
);
export type Status = Static<typeof Status>;
