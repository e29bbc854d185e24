/** Where the results of a run's shards wait for their merge, and where a run's outputs go. */
import type { Readable } from 'node:stream';

/**
 * A place that all machines of a fleet reach. Names are paths with slashes, such as `shards/000012.jsonl`, in Unicode. A result is there
 * whole or not at all, whenever its writer is killed.
 *
 * All calls reject with ERR_INVALID_ARGUMENT for a name that is none, with ERR_IO where the store refuses, and with ERR_NETWORK where it
 * cannot be reached, which may pass.
 */
export interface ResultStore {
  /** As people gave it: a folder's absolute path, or `s3://bucket/prefix`. */
  readonly location: string;
  /** Tries all that a run needs of the store, and rejects where something fails. Leaves nothing behind. Rejects with AbortError, too. */
  check(signal?: AbortSignal): Promise<void>;
  /**
   * Writes a local file's content under the name, unless something is there: that stays, and the answer is false. Of several that try at
   * once, on whatever machines, exactly one gets true.
   */
  putIfAbsent(name: string, file: string): Promise<boolean>;
  /** Writes a local file's content under the name, and replaces what is there. */
  put(name: string, file: string): Promise<void>;
  has(name: string): Promise<boolean>;
  /** Rejects with ERR_IO, whose message says that it is not there, where it is not. The stream fails with an InterrogatorError. */
  read(name: string): Promise<Readable>;
  /** The names that begin with the prefix, in the order of their bytes in UTF-8. The prefix may end within a name. */
  list(prefix: string): AsyncGenerator<string>;
  /**
   * Removes what has a name that begins with the prefix, what killed writers left there, and a folder in which nothing is left. To keep a
   * mistake from emptying a disk, the prefix must have at least one character.
   */
  remove(prefix: string): Promise<void>;
  /** Ends what is under way. */
  close(): void;
}
