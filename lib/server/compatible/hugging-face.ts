/** Hugging Face's inference API at an endpoint of one's own: `POST /hf/MODEL`, image to text and zero-shot image classification. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { badRequest, Refusal } from '../answers/refusal';
import { pictureBody } from '../bodies/parsers';
import { Label, LONGEST_LABEL, MOST_LABELS, ModeName, orNull } from '../contract/common';
import type { Service } from '../service';
import { promptOf } from './describe-picture';
import { type Dialect, registerDialect, requireImage, routeSchema, said } from './dialect';

const DIALECT: Dialect = {
  system: 'Hugging Face',
  error: Type.Object({ error: Type.String(), error_type: Type.String() }, { title: 'HuggingFaceError' }),
  errorOf: (refusal) => ({ error: said(refusal), error_type: refusal.code }),
};

const Tokens = Type.Optional(orNull(Type.Integer({ minimum: 1, maximum: 512 })));
const Beams = Type.Optional(orNull(Type.Integer({ minimum: 1, maximum: 64 })));

const Parameters = Type.Object({
  candidate_labels: Type.Optional(orNull(Type.Array(Label, { minItems: 1, maxItems: MOST_LABELS }))),
  hypothesis_template: Type.Optional(
    orNull(
      Type.String({ maxLength: LONGEST_LABEL, pattern: '^[^\\u0000]*\\{\\}[^\\u0000]*$', description: 'Default: This is a photo of {}.' }),
    ),
  ),
  max_new_tokens: Tokens,
  num_beams: Beams,
  generation_parameters: Type.Optional(orNull(Type.Object({ max_new_tokens: Tokens, num_beams: Beams }))),
});

const Body = Type.Object(
  {
    inputs: Type.Union([Type.String(), Type.Object({ image: Type.String() })], { description: "The picture's Base64." }),
    parameters: Type.Optional(orNull(Parameters)),
    mode: Type.Optional({ ...ModeName, description: "Of a CLIP model's prompt. Default best." }),
  },
  { title: 'HuggingFaceBody' },
);
type Body = Static<typeof Body>;

const ImageToText = Type.Object({ generated_text: Type.String() }, { title: 'ImageToText' });
const Answer = Type.Union([
  ImageToText,
  Type.Array(ImageToText, { minItems: 1, maxItems: 1, description: 'For huggingface_hub.' }),
  Type.Array(Type.Object({ label: Type.String(), score: Type.Number() }), { title: 'ZeroShotImageClassification' }),
]);

/** Of the two clients, huggingface_hub refuses an object, and the one in JavaScript a list. */
const WANTS_LIST = /\bhf_hub\//;
/** As in Hugging Face's pipeline. */
const TEMPLATE = 'This is a photo of {}.';

export function huggingFaceRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, DIALECT, (routes) => {
    // Bytes without a type are sent by their clients, and with the type of a form by curl --data-binary.
    const { spool, settings } = service;
    const options = { maxBody: settings.maxBody, spool };
    for (const type of ['*', 'application/x-www-form-urlencoded']) {
      routes.addContentTypeParser(type, async (request: FastifyRequest, body: AsyncIterable<Buffer>) => {
        const given = request.headers['content-type'];
        if (given !== undefined && type === '*') throw new Refusal(415, 'ERR_BODY_TYPE', 'Bodies of this type are not read here.');
        return pictureBody(request, body, options);
      });
    }
    routes.post<{ Body: Body; Params: { '*': string } }>(
      '/hf/*',
      {
        config: { pictureField: 'inputs' },
        schema: routeSchema(DIALECT, {
          summary: 'Image to text, and zero-shot image classification',
          description:
            'A picture by itself, or in JSON. With candidate_labels a CLIP model classifies; without, a caption model captions, and a CLIP model makes a prompt.',
          params: Type.Object({ '*': Type.String({ maxLength: 200, description: "A model's name." }) }),
          body: Body,
          answer: Answer,
        }),
      },
      async (request, reply) => {
        service.requireReady();
        const name = request.params['*'].replace(/^models\//, '') || undefined;
        const { inputs, parameters } = request.body;
        const image = requireImage(typeof inputs === 'string' ? inputs : inputs.image);
        const labels = parameters?.candidate_labels;
        if (labels)
          return classify(service, request, reply, { name, image, labels, template: parameters?.hypothesis_template ?? TEMPLATE });
        const answer = { generated_text: await textOf(service, request, reply, name, image) };
        return WANTS_LIST.test(request.headers['user-agent'] ?? '') ? [answer] : answer;
      },
    );
  });
}

async function classify(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  { name, image, labels, template }: { name: string | undefined; image: string; labels: readonly string[]; template: string },
) {
  using caller = service.caller(request, reply);
  const clip = service.clip(name);
  const picture = await service.intake.picture(request, image, caller.signal);
  const { embedding, ranking } = service.parts;
  const rows = await embedding.pictures(caller, [picture], clip);
  const wish = { clip, topCount: labels.length, scores: 'probability', reverse: false } as const;
  const [ranked = []] = await ranking.labels(caller, rows, labels, template, wish);
  return ranked.map(({ label, probability = 0 }) => ({ label, score: probability }));
}

async function textOf(
  service: Service,
  request: FastifyRequest<{ Body: Body }>,
  reply: FastifyReply,
  name: string | undefined,
  image: string,
) {
  using caller = service.caller(request, reply);
  const { parameters, mode } = request.body;
  const generation = parameters?.generation_parameters;
  const settings = {
    captionMaxLength: parameters?.max_new_tokens ?? generation?.max_new_tokens ?? undefined,
    numBeams: parameters?.num_beams ?? generation?.num_beams ?? undefined,
  };
  const { names } = service.parts;
  const isClip = name !== undefined && names.has('clip', name) && !names.has('caption', name);
  if (isClip) return await promptOf(service, request, caller, { ...settings, image, clip: name, mode: mode ?? 'best' });
  if (mode !== undefined) throw badRequest('A mode is of CLIP models.', 'Name one in the path.');
  const caption = service.captioner(name);
  const picture = await service.intake.picture(request, image, caller.signal);
  return await service.parts.describing.caption(caller, picture, { clip: service.clip(), caption }, settings);
}
