/** Finds a wheel that is known by its hash in the places that pip's settings name. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { InterrogatorError } from '../errors';
import { withCredentials } from './credentials';
import type { Link } from './page';
import type { PipSettings } from './pip-settings';
import { placesOf } from './places';

/** One file of a package, which never changes: what an index has under its name with another hash is not taken. */
export interface Wheel {
  name: string;
  version: string;
  /** `torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl` */
  file: string;
  /** Hex digest, in lower case. */
  sha256: string;
}

export interface FindOptions {
  /** What to do where it is not found. */
  hint: string;
  signal?: AbortSignal | undefined;
}

/**
 * The wheel's address, with credentials where its origin needs them. A link that declares no hash counts: what is fetched is checked.
 * Rejects with ERR_NETWORK, which says what each place answered.
 */
export async function findWheel(wheel: Wheel, settings: PipSettings, { hint, signal }: FindOptions): Promise<string> {
  const faults: string[] = [];
  for await (const place of placesOf(wheel.name, settings, signal)) {
    if ('fault' in place) {
      faults.push(place.fault);
      continue;
    }
    const named = place.links.filter(
      ({ sha256, fileName }) => sha256 === wheel.sha256 || fileName.toLowerCase() === wheel.file.toLowerCase(),
    );
    for (const { url, sha256 } of named) {
      const isHere = url.startsWith('file:');
      let found: string;
      try {
        found = isHere ? await hashOf(url) : (sha256 ?? wheel.sha256);
      } catch (error) {
        faults.push(`${place.name}: it has that file, which cannot be read: ${(error as Error).message}`);
        continue;
      }
      if (found === wheel.sha256) return isHere ? url : withCredentials(url, settings);
      faults.push(`${place.name}: it has that file with the SHA-256 ${found.slice(0, LONGEST_HASH)}, which is not trusted`);
    }
    if (named.length === 0) faults.push(`${place.name}: ${describe(place)}`);
  }
  if (faults.length === 0) faults.push("pip's settings name no place to look in: no-index without find-links");
  const fault = `No package index has ${wheel.file} with the SHA-256 ${wheel.sha256}:`;
  throw new InterrogatorError('ERR_NETWORK', [fault, ...faults.map((line) => `- ${line}`)].join('\n'), { hint });
}

const LONGEST_HASH = 64;

function describe({ name, links }: { name: string; links: readonly Link[] }): string {
  if (links.length > 0) return `that file is not among its ${links.length}`;
  return /^https?:/.test(name) ? 'it lists no files; a network that one must log in to answers so too' : 'it has no wheels';
}

async function hashOf(url: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(fs.createReadStream(fileURLToPath(url), { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
