/** `/v1/tables`. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { badRequest } from '../answers/refusal';
import { linesOf } from '../bodies/parsers';
import { LONGEST_LABEL } from '../contract/common';
import { MOST_TABLE_LABELS, Table, TableBody, TableLabels, TableList, TableName } from '../contract/tables';
import type { Service } from '../service';
import { BUILT_IN, isBuiltIn, type StoredTable } from '../tables/table-store';
import { validatorCompiler } from '../validator';
import { JobAccepted, responses, sendJob } from './answer';

const Name = Type.Object({ name: TableName });
const Page = Type.Object({
  query: Type.Optional(Type.String({ maxLength: 1000 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 100 })),
});
const Template = Type.Object({ template: Type.Optional(TableBody.properties.template) });

type Named = { Params: Static<typeof Name> };

export function tableRoutes(app: FastifyInstance, service: Service): void {
  const tags = ['tables'];
  app.get('/tables', { schema: { tags, summary: 'All tables', response: responses({ 200: TableList }) } }, async () => {
    const stored = await service.tables.list();
    return { tables: await Promise.all([...BUILT_IN, ...stored].map((each) => shown(service, each))) };
  });

  app.get<Named>(
    '/tables/:name',
    { schema: { tags, summary: 'One table', params: Name, response: responses({ 200: Table }) } },
    async ({ params }) => shown(service, await service.tables.find(params.name)),
  );

  app.get<Named & { Querystring: Static<typeof Page> }>(
    '/tables/:name/labels',
    { schema: { tags, summary: 'The labels of a table', params: Name, querystring: Page, response: responses({ 200: TableLabels }) } },
    async ({ params, query: { query, offset = 0, limit = 100 } }) => {
      const labels = await service.parts.tables.labels(params.name);
      const words = query?.toLowerCase().split(/\s+/).filter(Boolean) ?? [];
      const matching = words.length === 0 ? labels : labels.filter((label) => words.every((word) => label.toLowerCase().includes(word)));
      return { labels: matching.slice(offset, offset + limit), total: matching.length };
    },
  );

  app.put<Named & { Body: TableBody | Buffer; Querystring: Static<typeof Template> }>(
    '/tables/:name',
    {
      config: { plainText: true },
      schema: {
        tags,
        summary: 'Upload a list of labels under a name',
        description:
          'JSON, or text/plain with a label a line (and ?template=). 202: its embeddings are being made, as a job; killed and sent again, that goes on where it was.',
        params: Name,
        querystring: Template,
        response: responses({ 200: Table, 202: JobAccepted }, 409),
      },
    },
    async (request, reply) => {
      service.requireReady();
      const { labels, template } = await listOf(request.body, request.query.template);
      const { name } = request.params;
      const { stored, isNew } = await service.tables.put(name, labels, template);
      const clip = service.clip();
      if (!isNew && (await shown(service, stored)).ready.includes(clip)) return shown(service, stored);
      const { job } = service.jobs.start('table', service.clientOf(request), async (signal, report) => {
        using caller = service.jobCaller(service.clientOf(request), signal, report);
        await service.parts.tables.prepare(caller, name, clip);
        return shown(service, stored);
      });
      return sendJob(request, reply, job);
    },
  );

  app.delete<Named>(
    '/tables/:name',
    { schema: { tags, summary: 'Forget a table', params: Name, response: responses({ 204: Type.Null() }, 409) } },
    async ({ params }, reply) => {
      await service.tables.remove(params.name);
      return reply.status(204).send(null);
    },
  );
}

/** A text/plain body is checked by its lines, and so the route has no schema of its body. */
const isTable = validatorCompiler()({ schema: TableBody, method: 'PUT', url: '', httpPart: 'body' }) as {
  (body: unknown): boolean;
  errors?: unknown;
};

/** Labels of either body. */
async function listOf(body: TableBody | Buffer | undefined, template: string | undefined): Promise<TableBody> {
  if (body === undefined || body === null) throw badRequest('Send labels.', 'As {"labels": […]}, or as text/plain, a label a line.');
  if (!Buffer.isBuffer(body)) {
    if (isTable(body)) return body;
    throw Object.assign(new Error('The list is not valid.'), { validation: isTable.errors });
  }
  const labels = await linesOf(body, MOST_TABLE_LABELS);
  if (labels.length === 0) throw badRequest('The list is empty.');
  const long = labels.find((label) => label.length > LONGEST_LABEL);
  if (long !== undefined)
    throw badRequest(`A label has ${long.length} characters; at most ${LONGEST_LABEL} are taken: ${long.slice(0, 60)}…`);
  return { labels, ...(template !== undefined && { template }) };
}

async function shown(service: Service, found: StoredTable | (typeof BUILT_IN)[number]): Promise<Table> {
  const name = typeof found === 'string' ? found : found.name;
  const { tables } = service.parts;
  // While no model is open, nobody knows the reference's lists.
  const count = typeof found !== 'string' ? found.count : (await tables.labels(found).catch(() => [])).length;
  const template = typeof found === 'string' ? {} : found.template === undefined ? {} : { template: found.template };
  return { name, count, builtIn: isBuiltIn(name), ...template, ready: tables.readyFor(name) };
}
