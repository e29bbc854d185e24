/** Requests about one picture: by its id where the server knows it, otherwise with its bytes. */
import type { Picture } from '../pictures/pictures';
import { RequestError, type RequestOptions } from './request';

/** Calls `send` with a body that has the picture and the fields; once more with the bytes where the server has forgotten the picture. */
export async function sendPicture<T>(
  picture: Picture,
  fields: object,
  send: (options: Pick<RequestOptions, 'method' | 'body'>) => Promise<T>,
): Promise<T> {
  const id = picture.id.peek();
  if (id !== null) {
    try {
      return await send({ method: 'POST', body: { ...fields, image: `picture:${id}` } });
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'ERR_PICTURE_FORGOTTEN') throw error;
      picture.id.value = null;
    }
  }
  if (typeof picture.source === 'string') return send({ method: 'POST', body: { ...fields, image: picture.source } });
  return send({ method: 'POST', body: form(picture.source, picture.name, fields) });
}

function form(file: Blob, name: string, fields: object): FormData {
  const body = new FormData();
  // Fields before the file: the server then knows what is asked when the bytes come.
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) body.append(key, typeof value === 'string' ? value : JSON.stringify(value));
  }
  body.append('image', file, name);
  return body;
}
