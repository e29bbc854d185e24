/** `POST /v1/interrogate` and `/v1/caption`. */
import type { FastifyInstance } from 'fastify';
import { CaptionAnswer, CaptionBody, InterrogateAnswer, InterrogateBody } from '../contract/interrogate';
import type { Service } from '../service';
import { pictureShown } from '../work/shown';
import { answerLongCall, JobAccepted, responses, secondsOf } from './answer';

export function interrogateRoutes(app: FastifyInstance, service: Service): void {
  app.post<{ Body: InterrogateBody }>(
    '/interrogate',
    {
      config: { pictureField: 'image' },
      schema: {
        tags: ['pictures'],
        summary: 'The prompt that would make a picture like this one',
        description:
          'Several modes share one pass over the picture. With Accept: text/event-stream the progress comes as events, with Prefer: respond-async the answer is a job.',
        body: InterrogateBody,
        response: responses({ 200: InterrogateAnswer, 202: JobAccepted }, 422),
      },
    },
    async (request, reply) => {
      service.requireReady();
      const { image, modes = ['best'], clipModelName, captionModelName, ranking, compat, ...wish } = request.body;
      const clip = service.clip(clipModelName);
      const needsCaption = !wish.caption && modes.some((mode) => mode !== 'negative');
      const caption = needsCaption || captionModelName !== undefined ? service.captioner(captionModelName) : null;
      return answerLongCall(service, request, reply, {
        kind: 'interrogate',
        work: async (caller) => {
          const picture = await service.intake.picture(request, image, caller.signal);
          const models = { clip, caption, ranking, compat };
          const { size, ...answer } = await service.parts.describing.describe(caller, picture, { ...wish, modes, models });
          return { ...answer, picture: pictureShown(picture.id, size), seconds: secondsOf(caller) };
        },
      });
    },
  );

  app.post<{ Body: CaptionBody }>(
    '/caption',
    {
      config: { pictureField: 'image' },
      schema: {
        tags: ['pictures'],
        summary: "A caption model's caption of a picture",
        body: CaptionBody,
        response: responses({ 200: CaptionAnswer, 202: JobAccepted }, 422),
      },
    },
    async (request, reply) => {
      service.requireReady();
      const { image, captionModelName, ...wish } = request.body;
      const caption = service.captioner(captionModelName);
      return answerLongCall(service, request, reply, {
        kind: 'caption',
        work: async (caller) => {
          const picture = await service.intake.picture(request, image, caller.signal);
          const models = { clip: service.clip(), caption };
          const text = await service.parts.describing.caption(caller, picture, models, wish);
          const shown = pictureShown(picture.id, service.cache.size(picture.id));
          return { caption: text, picture: shown, captionModelName: caption, seconds: secondsOf(caller) };
        },
      });
    },
  );
}
