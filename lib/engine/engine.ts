/** The native side of one interrogator: device, models, tokenizers, and the calls that run on them. */

import type { CallOptions } from '../arguments';
import { type Bundle, type CaptionManifest, type ClipManifest, resolveBundle } from '../bundles/bundle';
import { verifyFiles } from '../bundles/verify';
import type { Config } from '../config';
import { AbortError, InterrogatorError, throwIfAborted, toInterrogatorError } from '../errors';
import {
  checkRawImage,
  colorOf,
  countPixels,
  type DecodeOptions,
  decodeImage,
  type EncodedImage,
  type ImageInput,
  rawImageOf,
  useDecodeWorkers,
} from '../image';
import { loadNative } from '../native/load';
import type { NativeBinding, NativeCancelToken, NativeCaptionModel, NativeClipModel, NativeDevice } from '../native/types';
import { CaptionTokenizer, ClipTokenizer } from '../tokenizer';
import { withCancelToken } from './cancel-token';
import { HeldImage } from './held-image';
import { createProgressReporter, type ReportProgress } from './progress';
import { type ModelKind, Residency } from './residency';

export type { CallOptions, ProgressEvent, ProgressListener } from '../arguments';

/** One running call of the public API. */
export interface Call {
  token: NativeCancelToken;
  signal: AbortSignal | undefined;
  report: ReportProgress;
}

interface EngineParts {
  config: Config;
  binding: NativeBinding;
  device: NativeDevice;
  clipBundle: Bundle<ClipManifest>;
  clip: NativeClipModel;
  clipTokenizer: ClipTokenizer;
  caption: { model: NativeCaptionModel; tokenizer: CaptionTokenizer } | null;
}

export class Engine {
  readonly config: Config;
  readonly binding: NativeBinding;
  readonly device: NativeDevice;
  readonly clipBundle: Bundle<ClipManifest>;
  readonly clip: NativeClipModel;
  readonly clipTokenizer: ClipTokenizer;
  readonly caption: EngineParts['caption'];
  private readonly residency: Residency;
  private readonly endDecoders = useDecodeWorkers();
  private readonly running = new Set<Promise<unknown>>();
  /** Calls of the public API that have not settled. */
  private inFlight = 0;
  private disposal: Promise<void> | undefined;

  private constructor(parts: EngineParts) {
    this.config = parts.config;
    this.binding = parts.binding;
    this.device = parts.device;
    this.clipBundle = parts.clipBundle;
    this.clip = parts.clip;
    this.clipTokenizer = parts.clipTokenizer;
    this.caption = parts.caption;
    const offloads = parts.caption !== null && parts.device.stats().name !== 'cpu';
    this.residency = new Residency(
      { clip: parts.clip, caption: parts.caption?.model ?? null },
      { clip: offloads && parts.config.clipOffload, caption: offloads && parts.config.captionOffload },
    );
  }

  /** Opens device and models. What was opened is closed again where a later part fails. */
  static async create(config: Config, { signal, onProgress }: CallOptions): Promise<Engine> {
    throwIfAborted(signal);
    const clipBundle = await resolveBundle('clip', config.clipModelName, config.clipModelPath);
    const captionBundle =
      config.captionModelName === null ? null : await resolveBundle('caption', config.captionModelName, config.captionModelPath);
    if (captionBundle) checkCaptionLength(config, captionBundle);
    for (const bundle of captionBundle ? [clipBundle, captionBundle] : [clipBundle]) {
      await verifyFiles(bundle, { hashes: config.verifyHashes, signal });
    }
    throwIfAborted(signal);
    const binding = await loadNative();
    const opened: { close(): Promise<void> }[] = [];
    const progress = createProgressReporter(config.quiet, onProgress);
    const steps = captionBundle ? 3 : 2;
    const open = async <T extends { close(): Promise<void> }>(step: Promise<T>): Promise<T> => {
      const handle = await step;
      opened.unshift(handle);
      progress.report({ stage: 'load', done: opened.length, total: steps });
      return handle;
    };
    try {
      progress.report({ stage: 'load', done: 0, total: steps });
      return await withCancelToken(binding, signal, async (token) => {
        const device = await open(
          binding.openDevice(await deviceName(config, binding), {
            threads: config.threads || undefined,
            maxBatch: config.maxBatch,
            maxQueue: deviceQueue(config),
          }),
        );
        const caption = captionBundle && {
          model: await open(binding.openCaptionModel(device, captionBundle.folder, token)),
          tokenizer: await loadCaptionTokenizer(captionBundle),
        };
        const clip = await open(binding.openClipModel(device, clipBundle.folder, token));
        const clipTokenizer = await loadClipTokenizer(clipBundle);
        throwIfAborted(signal);
        return new Engine({ config, binding, device, clipBundle, clip, clipTokenizer, caption });
      });
    } catch (error) {
      for (const handle of opened) await handle.close().catch(() => {});
      throw signal?.aborted ? new AbortError(signal.reason) : toInterrogatorError(error);
    } finally {
      progress.finish();
    }
  }

  get disposed(): boolean {
    return this.disposal !== undefined;
  }

  /**
   * Runs one call of the public API: cancellable, counted, its errors this package's. It is admitted whole or refused at
   * once with ERR_BUSY; what an admitted call needs of the device is never refused.
   */
  async call<T>({ signal, onProgress }: CallOptions, work: (call: Call) => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    this.throwIfDisposed();
    this.throwIfBusy();
    const progress = createProgressReporter(this.config.quiet, onProgress);
    this.inFlight += 1;
    try {
      return await this.run(signal, progress.report, work);
    } finally {
      this.inFlight -= 1;
      progress.finish();
    }
  }

  /** As call(), for work that several calls wait for: its progress goes to theirs, and it is never refused. */
  run<T>(signal: AbortSignal | undefined, report: ReportProgress, work: (call: Call) => Promise<T>): Promise<T> {
    const result = this.settle(signal, (token) => work({ token, signal, report }));
    this.running.add(result);
    const forget = (): void => {
      this.running.delete(result);
    };
    result.then(forget, forget);
    return result;
  }

  private async settle<T>(signal: AbortSignal | undefined, work: (token: NativeCancelToken) => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    this.throwIfDisposed();
    try {
      const result = await withCancelToken(this.binding, signal, work);
      throwIfAborted(signal);
      return result;
    } catch (error) {
      throw signal?.aborted ? new AbortError(signal.reason) : toInterrogatorError(error);
    }
  }

  /** Runs work on the CLIP model's weights. */
  withClip<T>(call: Call, work: () => Promise<T>): Promise<T> {
    return this.with('clip', call, work);
  }

  /** Runs work on the caption model's weights. */
  withCaption<T>(call: Call, work: () => Promise<T>): Promise<T> {
    return this.with('caption', call, work);
  }

  private with<T>(kind: ModelKind, call: Call, work: () => Promise<T>): Promise<T> {
    this.throwIfDisposed();
    return this.residency.use(kind, call.signal, work);
  }

  /**
   * An image as the models take it; options that are left out are the config's. The caller's own memory is not looked at after this has
   * returned its promise. Whoever gets the image must close it.
   */
  async decode(input: ImageInput, options: DecodeOptions): Promise<HeldImage> {
    const { config, binding } = this;
    const maxPixels = options.maxPixels ?? config.maxPixels;
    const background = options.background === undefined ? config.background : options.background;
    const raw = rawImageOf(input);
    if (raw) {
      checkRawImage(raw, maxPixels);
      return new HeldImage(binding.copyImage(raw, colorOf(background)), countPixels(raw));
    }
    const { signal, orientation = config.orientation, truncated = config.truncated } = options;
    const decoded = await decodeImage(input as EncodedImage, { signal, maxPixels, orientation, background, truncated });
    return new HeldImage(binding.holdImage(decoded), decoded.release);
  }

  /** Waits for the running native job, rejects what waits, frees the models. */
  dispose(): Promise<void> {
    this.disposal ??= this.close();
    return this.disposal;
  }

  private async close(): Promise<void> {
    await this.device.close();
    await Promise.allSettled([...this.running]);
    await Promise.all([this.clip.close(), this.caption?.model.close(), this.endDecoders()]);
  }

  /** Most calls that are under way at the same time: up to maxBatch can be in one pass, the others wait. */
  get mostCalls(): number {
    return this.config.maxBatch + this.config.maxQueue;
  }

  private throwIfBusy(): void {
    if (this.inFlight < this.mostCalls) return;
    const { maxBatch, maxQueue } = this.config;
    throw new InterrogatorError(
      'ERR_BUSY',
      `${this.inFlight} calls are under way, maxBatch (${maxBatch}) and maxQueue (${maxQueue}) of them.`,
      {
        hint: 'Wait for some of them before sending more, or raise maxQueue in the config.',
      },
    );
  }

  throwIfDisposed(): void {
    if (this.disposed) {
      throw new InterrogatorError('ERR_DISPOSED', 'The interrogator was disposed.', {
        hint: 'Create another one with Interrogator.create().',
      });
    }
  }
}

/**
 * A bound that admitted calls never reach. Each has one job on the device at a time; jobs of calls that were just aborted,
 * the building of label tables and moves of models come on top.
 */
function deviceQueue({ maxBatch, maxQueue }: Config): number {
  return 2 * (maxBatch + maxQueue) + 1024;
}

async function deviceName(config: Config, binding: NativeBinding): Promise<string> {
  if (config.device !== 'auto') return config.device;
  return (await binding.runtimeInfo()).cudaDevices > 0 ? 'cuda' : 'cpu';
}

function checkCaptionLength({ captionMaxLength }: Config, { manifest }: Bundle<CaptionManifest>): void {
  const { maxPositions, promptIds } = manifest.decoder;
  // The last new token is not fed back, so it needs no position.
  const most = maxPositions - promptIds.length + 1;
  if (captionMaxLength <= most) return;
  throw new InterrogatorError(
    'ERR_CONFIG',
    `captionMaxLength: got ${captionMaxLength}; captions of ${manifest.name} have at most ${most} tokens.`,
    { hint: `Set captionMaxLength to at most ${most}.` },
  );
}

function loadClipTokenizer({ folder, manifest }: Bundle<ClipManifest>): Promise<ClipTokenizer> {
  return ClipTokenizer.load(folder, manifest.tokenizer);
}

function loadCaptionTokenizer({ folder, manifest }: Bundle<CaptionManifest>): Promise<CaptionTokenizer> {
  return CaptionTokenizer.load(folder, manifest.tokenizer);
}
