/** The pictures that were given to the page. All tabs work on the same ones. */
import { computed, type Signal, signal } from '@preact/signals';

export interface Picture {
  /** Of this page alone. */
  readonly key: string;
  readonly name: string;
  /** Its file, or its address. */
  readonly source: Blob | string;
  /** The SHA-256 that the server knows it by, once it has seen it. */
  readonly id: Signal<string | null>;
  /** An object URL of a small copy: undefined until somebody wants it, null where the browser cannot show the file. */
  readonly thumbnail: Signal<string | null | undefined>;
}

export const pictures = signal<readonly Picture[]>([]);
const chosenKey = signal<string | null>(null);
export const chosen = computed(() => pictures.value.find(({ key }) => key === chosenKey.value) ?? pictures.value[0] ?? null);

let made = 0;

export function choose(picture: Picture): void {
  chosenKey.value = picture.key;
}

/** The first of the new ones becomes the chosen one. */
export function addPictures(sources: readonly { name: string; source: Blob | string; id?: string }[]): Picture[] {
  const added = sources.map(({ name, source, id }) => {
    made += 1;
    return { key: `p${made}`, name, source, id: signal(id ?? null), thumbnail: signal<string | null | undefined>(undefined) };
  });
  if (added.length === 0) return added;
  pictures.value = [...pictures.value, ...added];
  choose(added[0]!);
  return added;
}

export function addFiles(files: Iterable<File>): Picture[] {
  const images = [...files].filter(
    ({ name, type }) => !/^(text|application|audio|video)\//.test(type) || /\.(tiff?|psd|jxl|heic)$/i.test(name),
  );
  return addPictures(images.map((file) => ({ name: file.name || 'picture', source: file })));
}

export function addAddress(address: string): Picture[] {
  const name = decodeURIComponent(new URL(address).pathname.split('/').at(-1) || address);
  return addPictures([{ name, source: address }]);
}

export function removePicture(picture: Picture): void {
  const place = pictures.value.indexOf(picture);
  if (picture.thumbnail.value) URL.revokeObjectURL(picture.thumbnail.value);
  const wasChosen = chosen.value === picture;
  pictures.value = pictures.value.filter((each) => each !== picture);
  const next = pictures.value[Math.min(place, pictures.value.length - 1)];
  if (wasChosen && next) choose(next);
}

export function removeAllPictures(): void {
  for (const { thumbnail } of pictures.value) if (thumbnail.value) URL.revokeObjectURL(thumbnail.value);
  pictures.value = [];
}

/** Goes so many pictures further in the list. */
export function step(by: number): void {
  const place = chosen.value ? pictures.value.indexOf(chosen.value) : -1;
  const next = pictures.value[place + by];
  if (next) choose(next);
}
