/** POST v1/rank and v1/similarity, and the tables that they rank. */
import type { RankAnswer, RankBody, SimilarityAnswer } from '../../server/contract/rank';
import type { Picture } from '../pictures/pictures';
import { requestJson } from './request';
import { sendPicture } from './send-picture';

/** The labels of a table, or those given, by falling similarity with the picture. */
export async function rank(picture: Picture, fields: Omit<RankBody, 'image'>, signal?: AbortSignal): Promise<RankAnswer> {
  const answer = await sendPicture(picture, fields, (options) => requestJson<RankAnswer>('v1/rank', { ...options, signal }));
  picture.id.value = answer.results[0]?.picture.id ?? picture.id.peek();
  return answer;
}

export interface Texts {
  text: readonly string[];
  clipModelName?: string;
}

/** Similarities of one picture, which is sent where the server does not know it, with texts. */
export async function similaritiesOf(picture: Picture, texts: Texts, signal?: AbortSignal): Promise<number[]> {
  const answer = await sendPicture(picture, texts, (options) => requestJson<SimilarityAnswer>('v1/similarity', { ...options, signal }));
  picture.id.value = answer.pictures[0]?.id ?? picture.id.peek();
  return answer.similarities[0] ?? [];
}

/** A row for each of the pictures, which the server knows by these ids, a column for each text. */
export async function similarities(ids: readonly string[], texts: Texts, signal?: AbortSignal): Promise<number[][]> {
  const body = { ...texts, image: ids.map((id) => `picture:${id}`) };
  return (await requestJson<SimilarityAnswer>('v1/similarity', { method: 'POST', body, signal })).similarities;
}
