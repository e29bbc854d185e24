/** What a run is asked for. */
import type { CallOptions, Config, ConfigInput, Interrogator, Mode } from '../api';
import type { SidecarOptions } from './outputs';
import type { InputOptions } from './picture';
import type { RunProgress } from './progress';
import type { WordRules } from './words';

/** What is made of each picture. */
export type RunTask =
  | {
      kind: 'interrogate';
      /** Texts of each picture, in this order, at least one. */
      modes: readonly Mode[];
      /** Begin from this caption instead of a caption model's. */
      caption?: string;
      minFlavors?: number;
      maxFlavors?: number;
      /** So many of the best terms of each table as well. Default 0. */
      termCount?: number;
      /**
       * Encode each text and say how similar it is to its picture; on the CPU fast mode takes 1.7 times as long. Default: where a report is
       * asked for.
       */
      similarities?: boolean;
    }
  | {
      kind: 'rank';
      /** At least one. */
      labels: readonly string[];
      /** Labels of each picture, 1 and up. */
      topCount: number;
      scores: 'cosine' | 'probability';
      /** What is encoded in a label's place, with the label for each {}. */
      template?: string;
    }
  /** Image features, in float16's precision, as they are kept. */
  | { kind: 'features' };

export interface RunOptions extends InputOptions, Pick<CallOptions, 'signal'> {
  /** The models and how pictures are read. */
  config?: Config | ConfigInput;
  /** Default: best mode. */
  task?: RunTask;
  /** Work on all of these: `['cuda:0', 'cuda:1']`. Default: the config's device. */
  devices?: readonly string[];
  /** Work with these, which have the same models and stay open. `config` and `devices` then do not count. */
  interrogators?: readonly Interrogator[];
  /** Pictures a device that are worked on at the same time. Default: by the device and the task. */
  concurrency?: number;
  /** Lists of pictures, besides the inputs: files, or streams; a path or a URL a line, or JSON lines with `image`. */
  from?: readonly (string | NodeJS.ReadableStream)[];
  /**
   * The folder of the run's state: the ledger, image features. Default: `.torch-interrogator` beside the first of `out`, else in the
   * folder of pictures. null: nothing is kept.
   */
  state?: string | null;
  /** 'missing' (default) does what is not there yet; 'errors' what came to an error; 'all' everything again. */
  again?: 'missing' | 'errors' | 'all';
  /** Tables that are written, whole, at the end: `.jsonl`, `.csv`, `.tsv`, `.parquet`, `metadata.jsonl`, `.json` (kohya), `.txt`. */
  out?: readonly string[];
  /** A text file beside each picture. */
  sidecar?: SidecarOptions;
  /** Write the text into the picture's file, as XMP. Its pixels stay as they are. */
  embed?: 'xmp';
  /** A page to look at: an .html file. */
  report?: string;
  words?: WordRules;
  /** Told at most ten times a second. */
  onProgress?: (progress: RunProgress) => void;
}
