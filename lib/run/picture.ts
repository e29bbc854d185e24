/** A picture that a run is to work on, from wherever it comes. */
import type { InterrogatorError } from '../errors';

/** What a run knows of a picture before it is read. */
export interface Picture {
  /**
   * As people know it, and as outputs name it: a file's path as it was reached from the argument (`set/a/1.jpg`), a URL, a member of a
   * shard (`shard-000.tar/0001.jpg`), a row (`set.parquet#17`), `-`. Bytes of a path that are not UTF-8 are escaped (`\xff`).
   */
  readonly name: string;
  /** Its path where it is a file of its own, beside which something can be written. Bytes: a name need not be UTF-8. */
  readonly file?: Buffer;
  /** The folder argument that `file` was found below. */
  readonly root?: Buffer;
  /** Where it is no file: what another process finds it by, or the failure that it stands for. Absent for what can be read here alone. */
  readonly origin?: { readonly url: string } | { readonly failure: InterrogatorError };
  /** So many bytes of it are in memory as long as this object is: of its content where it was read already, or of a `data:` URL. */
  readonly bytes?: number;
  /**
   * What changes whenever the content may have changed: size, time of change and the like, so that an unchanged picture need not be read
   * again. Undefined where only reading can tell (URLs, standard input). Rejects as `open` does.
   */
  stamp?(): Promise<string>;
  /**
   * The encoded picture: a path, or its bytes. Rejects with an InterrogatorError: ERR_IMAGE_NOT_FOUND, ERR_IO, ERR_NETWORK.
   * May be called more than once. Bytes that are read for this call count as held until `until` is settled, and what is read after them
   * may have to wait for that: it must not wait for another picture to be opened.
   */
  open(signal: AbortSignal, until?: Promise<unknown>): Promise<string | Buffer>;
}

/** Which files of folders are pictures of the run, and how far folders are entered. */
export interface InputOptions {
  /** Enter subfolders. Default true. */
  recursive?: boolean;
  /** Only files whose path below the folder argument fits one of these globs; a glob without a slash is of the file's name. */
  include?: readonly string[];
  /** No files, and no folders, that fit one of these globs. */
  exclude?: readonly string[];
}
