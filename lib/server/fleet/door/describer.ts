/** Prompts and captions, made by workers. */
import type { SentPicture } from '../../pictures/picture';
import type { Caller } from '../../work/caller';
import {
  type CaptioningPair,
  type CaptionSettings,
  type Describer,
  type DescribeWish,
  type Found,
  type KnownOfPicture,
  needsBytes,
} from '../../work/describe';
import { captionLoad, describeLoad } from '../../work/local/describer';
import { packedRows, unpackedRows } from '../rows';
import type { Door } from './door';
import { lentPicture } from './lent-picture';

export class RemoteDescriber implements Describer {
  constructor(private readonly door: Door) {}

  async describe(caller: Caller, picture: SentPicture, wish: DescribeWish, known: KnownOfPicture): Promise<Found> {
    using seat = this.door.enter(caller, describeLoad(wish, known));
    const { onDescription, ...sent } = wish;
    const { found, row } = await seat.ask(
      'describe',
      (loan) => ({
        picture: needsBytes(wish, known) ? lentPicture(picture, loan) : { id: picture.id },
        wish: sent,
        isTold: onDescription !== undefined,
        ...(known.row && { row: packedRows([known.row]) }),
        ...(known.caption !== undefined && { caption: known.caption }),
      }),
      onDescription,
    );
    return { ...found, size: found.size, row: known.row ?? (row === undefined ? undefined : unpackedRows(row, 1)[0]) };
  }

  async caption(caller: Caller, picture: SentPicture, models: CaptioningPair, settings: CaptionSettings): Promise<string> {
    using seat = this.door.enter(caller, captionLoad(models));
    const { caption } = await seat.ask('caption', (loan) => ({ picture: lentPicture(picture, loan), models, settings }));
    return caption;
  }
}
