/** Where runs that clients submit may read and write: below folders and addresses that the server was told of. */
import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isObjectStore } from '../../fleet/store';
import { badRequest, Refusal } from '../answers/refusal';

/** `s3://bucket/folder`, or `https://host/folder`. */
export function isAddress(place: string): boolean {
  return /^(s3|https?):\/\//i.test(place);
}

/** The places of `--run-folders`. */
export class RunPlaces {
  private readonly folders: readonly string[];
  private readonly addresses: readonly string[];

  constructor(places: readonly string[] = []) {
    this.folders = places.filter((place) => !isAddress(place)).map((place) => path.resolve(place));
    this.addresses = places.filter(isAddress).map((place) => withSlash(normal(place)));
  }

  /** Nothing may be submitted here. */
  get isEmpty(): boolean {
    return this.folders.length === 0 && this.addresses.length === 0;
  }

  /** For the state of runs that name none. */
  get first(): string | undefined {
    return this.folders[0];
  }

  /** What a run is to read, as it is told to the workers. Rejects with a Refusal: 403 for what is elsewhere, 400 for what is not there. */
  async input(given: string): Promise<string> {
    if (isAddress(given)) return this.address(given);
    const file = this.below(given);
    const real = await realpath(file).catch(() => {
      throw badRequest(`There is no ${given} on this server.`, 'Workers and the server must see it under the same path.');
    });
    return this.reallyBelow(given, file, real);
  }

  /**
   * What a run is to write, which need not be there: a path, or `s3://…`. Rejects with a Refusal: 403 for what is elsewhere, 400 for what
   * nothing can be written to.
   */
  async output(given: string): Promise<string> {
    return isObjectStore(given) ? this.address(given) : this.folder(given);
  }

  /** As output(), for what can be a path alone. */
  async folder(given: string): Promise<string> {
    if (isAddress(given)) {
      const hint = isObjectStore(given)
        ? 'Texts of pictures go to a folder of the machines.'
        : 'Name an absolute path, or s3://BUCKET/NAME; an address of another kind is for pictures that are read.';
      throw badRequest(`Nothing of this kind can be written to ${given.slice(0, 300)}.`, hint);
    }
    const file = this.below(given);
    return this.reallyBelow(given, file, await realPlace(file, () => this.elsewhere(given)));
  }

  private address(given: string): string {
    const address = URL.canParse(given) ? normal(given) : '';
    if (address === '' || !this.addresses.some((each) => address.startsWith(each))) throw this.elsewhere(given);
    return address;
  }

  /** By its name alone. */
  private below(given: string): string {
    if (!path.isAbsolute(given)) {
      throw badRequest(`${given} is neither an absolute path nor an address.`, 'Give it as the workers find it: /data/pictures.');
    }
    const file = path.resolve(given);
    if (!this.folders.some((folder) => isBelow(folder, file))) throw this.elsewhere(given);
    return file;
  }

  /** Where its links lead to. */
  private async reallyBelow(given: string, file: string, real: string): Promise<string> {
    for (const folder of this.folders) {
      const realFolder = await realpath(folder).catch(() => undefined);
      if (realFolder !== undefined && isBelow(realFolder, real)) return file;
    }
    throw this.elsewhere(given);
  }

  private elsewhere(given: string): Refusal {
    return new Refusal(403, 'ERR_FORBIDDEN', `${given.slice(0, 300)} is outside of what runs may read and write here.`, {
      hint: this.isEmpty ? NOWHERE : 'It must be below one of the folders that the server was started with (--run-folders).',
    });
  }
}

export const NOWHERE = 'Start the server with --run-folders DIR,…; or submit with: npx torch-interrogator run submit.';

/** The path without links of what is there of it. Throws what `fault` returns for a link that leads nowhere, which may come to lead anywhere. */
async function realPlace(file: string, fault: () => Refusal): Promise<string> {
  const real = await realpath(file).catch(() => undefined);
  if (real !== undefined) return real;
  if (await lstat(file).catch(() => undefined)) throw fault();
  const folder = path.dirname(file);
  return folder === file ? file : path.join(await realPlace(folder, fault), path.basename(file));
}

function isBelow(folder: string, file: string): boolean {
  return file === folder || file.startsWith(withSlash(folder));
}

function withSlash(place: string): string {
  return place.endsWith('/') ? place : `${place}/`;
}

/** Without `..`, and without a user. */
function normal(address: string): string {
  const url = new URL(address);
  if (url.username !== '' || url.password !== '' || url.hostname === '' || /(^|\/)(\.|%2e){1,2}(\/|$)/i.test(address)) return '';
  // A bucket's names are taken as they are written, and a URL is not: spaces of it are escaped, and signs that do not print left out.
  if (url.protocol !== 's3:') return url.href;
  return [...address].some((sign) => sign < ' ' || sign === '\x7f') ? '' : address.replace(/^s3:/i, 's3:');
}
