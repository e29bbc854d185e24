/** What a door and its workers say to each other. The queue has what is small; the rest goes over HTTP, at the door. */
import type { BundleKind, ErrorCode, ModesAnswer, ProgressEvent, RankedLabel } from '../../index';
import { Refusal, type ServerCode } from '../answers/refusal';
import type { PairWish } from '../models/pair';
import type { Times } from '../work/caller';
import type { CaptioningPair, CaptionSettings, DescribeWish, Found, PictureSize } from '../work/describe';
import type { Logits } from '../work/embed';
import type { RankWish } from '../work/rank';

/** Characters of JSON that go through the queue. */
export const MOST_INLINE = 16 << 10;

/** Bytes of an answer that goes to the door. */
export const MOST_ANSWER = 256 << 20;

/** The path at the door below which workers fetch pictures and arguments, and to which they bring answers. A token follows. */
export const BLOBS = '/fleet/blobs/';

/** A picture. Its bytes never go through Redis. */
export interface PictureRef {
  id: string;
  /** Where the door has its bytes; they are not needed where everything is known. */
  at?: string | undefined;
}

/** A table: one of the reference's by its name, or one of the door's by its digest. */
export interface TableRef {
  name: string;
  stored?: { digest: string; template?: string; labelsAt: string } | undefined;
}

/** Numbers as Base64 of float32, row after row. */
type Rows = string;

/** What can be asked of a worker: arguments and results. */
export interface Calls {
  describe: {
    args: { picture: PictureRef; wish: Omit<DescribeWish, 'onDescription'>; isTold: boolean; row?: Rows; caption?: string };
    value: { found: Omit<Found, 'row'>; row?: Rows };
  };
  caption: { args: { picture: PictureRef; models: CaptioningPair; settings: CaptionSettings }; value: { caption: string } };
  picture: { args: { picture: PictureRef; clip: string }; value: { row: Rows; size?: PictureSize; logits: Logits } };
  texts: { args: { texts: readonly string[]; clip: string }; value: { rows: Rows; logits: Logits } };
  tokens: { args: { texts: readonly string[]; clip: string }; value: { counts: { all: number; read: number }[] } };
  rank: { args: { table: TableRef; rows: Rows; count: number; wish: RankWish }; value: { ranked: RankedLabel[][] } };
  prepare: { args: { table: TableRef; clip: string }; value: Record<string, never> };
  labels: { args: { name: string; offset: number; limit: number }; value: { labels: string[]; total: number } };
  load: { args: { wish: PairWish }; value: Record<string, never> };
}

/** What a job of the queue has in it: arguments, or where they are. */
export interface Asked {
  args?: object;
  argsAt?: string;
  /** Where an answer goes that is not small. */
  answerAt: string;
}

export interface Answer {
  value?: unknown;
  refusal?: SentRefusal;
  /** In seconds. */
  times: Omit<Times, 'began'>;
  /** From taking the job to the answer, in seconds. */
  seconds: number;
}

/** What the queue has of an answer: all of it, or that it went to the door. */
export type Returned = Answer | { isSent: true };

/** Reports, in their order. */
export type Report = { progress: ProgressEvent } | { description: ModesAnswer['descriptions'][number] };

interface SentRefusal {
  status: number;
  code: ErrorCode | ServerCode;
  message: string;
  hint?: string | undefined;
  retryAfter?: number | undefined;
}

export function sentRefusal({ status, code, message, hint, retryAfter }: Refusal): SentRefusal {
  return { status, code, message, hint, retryAfter };
}

export function receivedRefusal({ status, code, message, hint, retryAfter }: SentRefusal): Refusal {
  return new Refusal(status, code, message, { hint, retryAfter });
}

/** What a worker that answers requests says of itself with each heartbeat. */
export interface ResponderInfo {
  /** Requests that it takes at a time; 0 where it takes none any more. */
  places: number;
  devices: { name: string; threads: number; running: number; waiting: number; busySeconds: number; weightBytes: number }[];
  models: InfoModel[];
  defaults: Record<BundleKind, readonly string[]>;
  /** Of the default CLIP model. */
  contextTokens: number;
}

export interface InfoModel {
  kind: BundleKind;
  name: string;
  state: 'resident' | 'loading' | 'absent';
  /** Bytes while it is resident. */
  memory: number | null;
  embedDim: number | null;
  repository?: string | undefined;
}
