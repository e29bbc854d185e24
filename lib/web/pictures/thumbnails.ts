/** Small copies of pictures, made in a canvas, two at a time: a thousand originals on screen would fill the memory. */
import type { Picture } from './pictures';

const SIDE = 320;
const AT_ONCE = 2;

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
    smallCopy(picture.source as Blob, SIDE)
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

/** A JPEG whose longer side has at most `side` pixels. Rejects where the browser cannot decode the file. */
export async function smallCopy(file: Blob, side: number): Promise<Blob> {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, side / Math.max(image.width, image.height));
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
