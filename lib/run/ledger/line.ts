/** The lines of a ledger: JSON objects, each with a checksum, of which a torn or damaged one is told from a whole one. */
import { crc32 } from 'node:zlib';
import type { RankedLabel } from '../../api';
import type { RowError, TermScores } from '../row';

/** What one task made of a picture. */
export interface TaskResult {
  /** A prompt or a caption. */
  text?: string;
  /** Cosine similarity of text and picture, to 6 decimals. */
  similarity?: number;
  terms?: TermScores;
  ranked?: readonly RankedLabel[];
  /** Of the decoded picture, in pixels. */
  width?: number;
  height?: number;
  /** The file ends too early, and was decoded as far as it goes. */
  truncated?: true;
}

/** All that is known of one content, as it was last found under one name. Later lines replace earlier ones of the same name and content. */
export interface PictureLine {
  /** SHA-256 of the encoded picture; null where it could not be read. */
  sha256: string | null;
  /** Of a content that a run made of another one, by writing a text into the file: the SHA-256 of what was there before any run. */
  original?: string;
  /** Where it is: a path relative to the folder that holds the state folder, or whatever else names it. */
  image: string;
  /** Its size, time of change and so on when its content was hashed. */
  stamp?: string;
  /** By the key of the image features: the row of their file. */
  features?: Readonly<Record<string, number>>;
  /** By the key of the task. */
  results?: Readonly<Record<string, TaskResult>>;
  errors?: Readonly<Record<string, RowError>>;
  /** SHA-256 of the content that was written, by the path of the sidecar. */
  sidecars?: Readonly<Record<string, string>>;
}

/** What the keys of later lines mean, for people. */
export interface SettingsLine {
  key: string;
  settings: unknown;
}

/** The first line. */
export interface HeaderLine {
  ledger: 1;
  package: string;
}

export type LedgerLine = PictureLine | SettingsLine | HeaderLine;

const SEAL = /,"crc":"([0-9a-f]{8})"\}$/;

/** The line, with its newline. */
export function sealLine(line: LedgerLine): Buffer {
  const body = JSON.stringify(line).slice(0, -1);
  return Buffer.from(`${body},"crc":"${checksum(body)}"}\n`);
}

/** The line's object; undefined where it is damaged. Without its newline. */
export function openLine(line: Buffer): LedgerLine | undefined {
  const text = line.toString('utf8');
  const [seal, crc] = SEAL.exec(text) ?? [];
  if (seal === undefined || checksum(text.slice(0, -seal.length)) !== crc) return undefined;
  const { crc: _, ...value } = JSON.parse(text) as LedgerLine & { crc: string };
  return value as LedgerLine;
}

export function isPicture(line: LedgerLine): line is PictureLine {
  return 'image' in line;
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}
