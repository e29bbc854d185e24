/** What an http, https or `data:` URL stands for: a picture, or shards. */
import { InterrogatorError } from '../../api';
import type { Picture } from '../picture';
import { failedPicture, urlName, urlPicture } from './file-picture';
import { expandBraces } from './folders/expand';
import { isTableName } from './tables/by-name';
import { SHARD_NAME, shardUrlTable } from './tables/shard';
import type { Table } from './tables/table';

const LONGEST_PATTERN = 4096;

/** With its braces expanded where all that comes of them are files of many pictures: `https://host/shard-{000..009}.tar`. */
export function urlSources(url: string): (Picture | Table)[] {
  const urls = url.length <= LONGEST_PATTERN && /^https?:/i.test(url) ? expandBraces(url) : [];
  const tables = urls.map(urlTable);
  return tables.length > 0 && tables.every((table) => table !== undefined) ? tables : [urlPicture(url)];
}

/** Undefined for a URL that is not named as a file of many pictures. Parquet is read at many places, and from a file system alone. */
export function urlTable(url: string): Table | undefined {
  if (!isTableUrl(url)) return undefined;
  if (SHARD_NAME.test(withoutQuery(url))) return shardUrlTable(url);
  const name = urlName(url);
  const message = `${name} is a parquet file; such files are read from a file system alone`;
  const refusal = failedPicture(name, new InterrogatorError('ERR_INVALID_ARGUMENT', message, { hint: 'Download it and give its path.' }));
  return {
    address: Buffer.from(url),
    async *pictures() {
      yield refusal;
    },
    count: async () => 1,
  };
}

/** Whether it names a file of many pictures, as paths do. */
export function isTableUrl(url: string): boolean {
  return /^https?:/i.test(url) && isTableName(withoutQuery(url));
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}
