/** Routes of other systems, for clients that exist (docs/server.md lists them). */
import type { FastifyInstance } from 'fastify';
import type { Service } from '../service';
import { automatic1111Routes } from './automatic1111';
import { clipAsServiceRoutes } from './clip-as-service';
import { clipInterrogatorExtRoutes } from './clip-interrogator-ext';
import { huggingFaceRoutes } from './hugging-face';
import { immichRoutes } from './immich';
import { chatRoutes } from './openai/chat';
import { classifyRoutes } from './openai/classify';
import { embeddingRoutes } from './openai/embeddings';
import { sdNextRoutes } from './sdnext';
import { textEmbeddingsInferenceRoutes } from './text-embeddings-inference';

export function compatibleRoutes(app: FastifyInstance, service: Service): void {
  clipInterrogatorExtRoutes(app, service);
  automatic1111Routes(app, service);
  sdNextRoutes(app, service);
  embeddingRoutes(app, service);
  chatRoutes(app, service);
  classifyRoutes(app, service);
  huggingFaceRoutes(app, service);
  textEmbeddingsInferenceRoutes(app, service);
  clipAsServiceRoutes(app, service);
  immichRoutes(app, service);
}
