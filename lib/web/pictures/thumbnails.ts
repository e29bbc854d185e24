/** Small copies of pictures, made in a canvas, two at a time: a thousand originals on screen would fill the memory. */
import type { Picture } from './pictures';

const SIDE = 320;
const AT_ONCE = 2;

const copies = new WeakMap<Picture, Promise<Blob>>();
const waiting: Picture[] = [];
let running = 0;

/** Sees to it that the picture gets its thumbnail, sooner or later. */
export function wantThumbnail(picture: Picture): void {
  if (picture.thumbnail.peek() !== undefined || waiting.includes(picture)) return;
  if (typeof picture.source === 'string') {
    picture.thumbnail.value = null;
    return;
  }
  waiting.push(picture);
  work();
}

function work(): void {
  while (running < AT_ONCE) {
    // The last wanted is what is on the screen now.
    const picture = waiting.pop();
    if (!picture) return;
    running += 1;
    copyOf(picture)
      .then((copy) => {
        picture.thumbnail.value = URL.createObjectURL(copy);
      })
      .catch(() => {
        picture.thumbnail.value = null;
      })
      .finally(() => {
        running -= 1;
        work();
      });
  }
}

/** A small JPEG of the picture, made once. Rejects where the browser cannot decode the file, or has only its address. */
export function copyOf(picture: Picture): Promise<Blob> {
  const made = copies.get(picture) ?? smallCopy(picture.source);
  copies.set(picture, made);
  return made;
}

async function smallCopy(file: Blob | string): Promise<Blob> {
  if (typeof file === 'string') throw new TypeError('The page may not fetch pictures from elsewhere.');
  const image = await createImageBitmap(file);
  const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  const context = canvas.getContext('2d')!;
  // A JPEG has no alpha: what is transparent would be black.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The canvas gave nothing.'))), 'image/jpeg', 0.82);
  });
}
