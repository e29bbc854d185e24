/** A picture's prompt in one mode, as other systems ask for it. */
import type { FastifyRequest } from 'fastify';
import type { Mode } from '../../index';
import type { Service } from '../service';
import type { Caller } from '../work/caller';
import type { Described, DescribeWish } from '../work/describe';

export interface PictureWish extends Omit<DescribeWish, 'models' | 'modes'> {
  image: string;
  /** In the order in which they are to be made. */
  modes: readonly Mode[];
  /** As the client names it; undefined: the server's default. */
  clip?: string | undefined;
  captioner?: string | undefined;
  chunkSize?: number | undefined;
  flavorIntermediateCount?: number | undefined;
}

/** Rejects with 404 for models that are not there, and with what intake and describing reject with. */
export async function describePicture(
  service: Service,
  request: FastifyRequest,
  caller: Caller,
  { image, clip, captioner, chunkSize, flavorIntermediateCount, ...wish }: PictureWish,
): Promise<Described> {
  const needsCaption = wish.modes.some((mode) => mode !== 'negative');
  const models = {
    clip: service.clip(clip),
    caption: needsCaption || captioner !== undefined ? service.captioner(captioner) : null,
    chunkSize,
    flavorIntermediateCount,
  };
  const picture = await service.intake.picture(request, image, caller.signal);
  return service.parts.describing.describe(caller, picture, { ...wish, models });
}

/** The prompt of one mode. */
export async function promptOf(
  service: Service,
  request: FastifyRequest,
  caller: Caller,
  { mode, ...wish }: Omit<PictureWish, 'modes'> & { mode: Mode },
): Promise<string> {
  const { descriptions } = await describePicture(service, request, caller, { ...wish, modes: [mode] });
  return descriptions[0]?.prompt ?? '';
}
