/** The server's tables: their labels, and lists of one's own. */
import type { Static } from '@sinclair/typebox';
import type { Job } from '../../server/contract/jobs';
import type { Table, TableLabels, TableList } from '../../server/contract/tables';
import { type FollowOptions, followJob } from './jobs';
import { request, requestJson } from './request';

export const TABLES = ['mediums', 'artists', 'trendings', 'movements', 'flavors'] as const;
export type TableName = (typeof TABLES)[number];

export async function tables(signal?: AbortSignal): Promise<Table[]> {
  return (await requestJson<Static<typeof TableList>>('v1/tables', { signal })).tables;
}

/** Labels of a table that contain the text. */
export async function labelsLike(table: string, text: string, limit: number, signal?: AbortSignal): Promise<string[]> {
  const query = new URLSearchParams({ query: text, limit: String(limit) });
  const path = `v1/tables/${encodeURIComponent(table)}/labels?${query}`;
  return (await requestJson<Static<typeof TableLabels>>(path, { signal })).labels;
}

/** Keeps a list, a label a line, as a table on the server, and waits until it can be ranked. */
export async function uploadTable(name: string, lines: string, options: FollowOptions): Promise<void> {
  const path = `v1/tables/${encodeURIComponent(name)}`;
  const response = await request(path, { method: 'PUT', body: lines, signal: options.signal });
  if (response.status === 202) await followJob((await response.json()) as Job, options);
}

/** A name that the server takes, of a file's. */
export function tableNameOf(file: string): string {
  const name = file.replace(/\.[^.]*$/, '').replace(/[^A-Za-z0-9_-]+/g, '-');
  return name.replace(/^[^A-Za-z0-9]+/, '').slice(0, 64) || 'list';
}
