/** The native side of one interrogator: its device, its models, and the calls that run on them. */
import { inspect } from 'node:util';
import type { CallOptions } from '../arguments';
import { type Bundle, type ClipManifest, resolveBundle } from '../bundles/bundle';
import { verifyFiles } from '../bundles/verify';
import type { Config } from '../config';
import { InterrogatorError, throwIfAborted } from '../errors';
import {
  checkRawImage,
  colorOf,
  countPixels,
  type DecodeOptions,
  decodeImage,
  decodeStats,
  type EncodedImage,
  type ImageInput,
  rawImageOf,
  useDecodeWorkers,
} from '../image';
import { loadNative } from '../native/load';
import type { NativeBinding, NativeDevice, NativeDeviceStats, NativeModel } from '../native/types';
import { CaptionTokenizer, ClipTokenizer } from '../tokenizer';
import { type Call, Calls } from './calls';
import { Captioner, checkCaptionLength } from './captioner';
import { Clip } from './clip';
import { HeldImage } from './held-image';
import { createProgressReporter } from './progress';
import { Residency } from './residency';

export type { CallOptions, ProgressEvent, ProgressListener } from '../arguments';

/** What `stats()` tells. Counts are of calls since the interrogator was created, but for those of `decoding`, which the process shares. */
export interface EngineStats {
  /** `waiting`: in batches, for a place. `refused`: with ERR_BUSY. */
  calls: Record<'running' | 'waiting' | 'done' | 'failed' | 'aborted' | 'refused', number>;
  device: NativeDeviceStats;
  /** Images whose decoders run and that wait for one, and the pixels that are in memory. */
  decoding: { running: number; waiting: number; pixels: number };
}

type Bundles = Awaited<ReturnType<typeof findBundles>>;

type Closable = Pick<NativeModel, 'close'>;

export class Engine {
  private disposal: Promise<void> | undefined;

  private constructor(
    readonly config: Config,
    readonly binding: NativeBinding,
    readonly calls: Calls,
    readonly device: NativeDevice,
    readonly clipBundle: Bundle<ClipManifest>,
    readonly clip: Clip,
    private readonly loadedCaptioner: Captioner | null,
    private readonly opened: readonly Closable[],
  ) {}

  /** Opens device and models. What was opened is closed again where a later part fails. */
  static async create(config: Config, { signal, onProgress }: CallOptions): Promise<Engine> {
    throwIfAborted(signal);
    const bundles = await findBundles(config);
    // libtorch is loaded by a thread, while this one hashes.
    const loading = loadNative();
    loading.catch(() => {});
    // Both at once: while one is hashed, the other is read.
    const checking = [bundles.clip, bundles.caption].map((each) => each && verifyFiles(each, { hashes: config.verifyHashes, signal }));
    await Promise.all(checking);
    const binding = await loading;
    using progress = createProgressReporter(config.quiet, onProgress);
    const calls = new Calls(config, binding);
    const opened: Closable[] = [{ close: useDecodeWorkers() }];
    try {
      return await calls.share(signal, progress.report, (call) => Engine.open(config, binding, bundles, calls, opened, call));
    } catch (error) {
      for (const each of opened) await each.close().catch(() => {});
      throw error;
    }
  }

  private static async open(
    config: Config,
    binding: NativeBinding,
    { clip, caption }: Bundles,
    calls: Calls,
    opened: Closable[],
    { token, report }: Call,
  ): Promise<Engine> {
    let done = 0;
    const total = caption ? 3 : 2;
    const step = async <T extends Closable>(opening: Promise<T>): Promise<T> => {
      const handle = await opening;
      opened.unshift(handle);
      done += 1;
      report({ stage: 'load', done, total });
      return handle;
    };
    report({ stage: 'load', done, total });
    const { threads, maxBatch } = config;
    // A bound that admitted calls never reach. Each has one job on the device at a time; jobs of calls that were just aborted, the
    // building of label tables and moves of models come on top.
    const maxQueue = 2 * calls.most + 1024;
    const device = await step(binding.openDevice(await deviceName(config, binding), { threads: threads || undefined, maxBatch, maxQueue }));
    const captionModel = caption && (await step(binding.openCaptionModel(device, caption.folder, token)));
    const clipModel = await step(binding.openClipModel(device, clip.folder, token));
    const captionTokenizer = caption && (await CaptionTokenizer.load(caption.folder, caption.manifest.tokenizer));
    const clipTokenizer = await ClipTokenizer.load(clip.folder, clip.manifest.tokenizer);
    const offloads = captionModel !== null && device.stats().name !== 'cpu';
    const residency = new Residency({
      clip: offloads && config.clipOffload ? clipModel : null,
      caption: offloads && config.captionOffload ? captionModel : null,
    });
    return new Engine(
      config,
      binding,
      calls,
      device,
      clip,
      new Clip(clipModel, clipTokenizer, residency, clip.manifest.text, config.compat === 'corrected'),
      captionModel && captionTokenizer && new Captioner(captionModel, captionTokenizer, residency, config.captionMaxLength),
      opened,
    );
  }

  /** What console.log() shows of the engine in interrogators, features and tables. */
  [inspect.custom](): string {
    return `Engine { ${this.clipBundle.manifest.name} on ${this.config.device} }`;
  }

  stats(): EngineStats {
    return { calls: this.calls.counts, device: this.device.stats(), decoding: decodeStats() };
  }

  /** The reference's bugs are mended. */
  get corrected(): boolean {
    return this.config.compat === 'corrected';
  }

  /** Throws ERR_CAPTION_MODEL_MISSING where there is none. */
  get captioner(): Captioner {
    if (this.loadedCaptioner) return this.loadedCaptioner;
    throw new InterrogatorError('ERR_CAPTION_MODEL_MISSING', 'No caption model loaded: captionModelName is null.', {
      hint: 'Give a caption, or create the interrogator with a captionModelName such as "blip-large".',
    });
  }

  /**
   * An image as the models take it; options that are left out are the config's. The caller's own memory is not looked at after this has
   * returned its promise. Whoever gets the image must close it.
   */
  async decode(input: ImageInput, { options, signal }: { options: DecodeOptions; signal: AbortSignal }): Promise<HeldImage> {
    const { config, binding } = this;
    const maxPixels = options.maxPixels ?? config.maxPixels;
    const background = options.background === undefined ? config.background : options.background;
    const raw = rawImageOf(input);
    if (raw) {
      checkRawImage(raw, maxPixels);
      return new HeldImage(binding.copyImage(raw, colorOf(background)), countPixels(raw));
    }
    const { orientation = config.orientation, truncated = config.truncated } = options;
    const decoded = await decodeImage(input as EncodedImage, { signal, maxPixels, orientation, background, truncated });
    try {
      return new HeldImage(binding.holdImage(decoded), decoded.release);
    } catch (error) {
      decoded.release();
      throw error;
    }
  }

  /** Ends what runs at its next step, rejects what waits, frees the models. */
  dispose(): Promise<void> {
    this.disposal ??= this.close();
    return this.disposal;
  }

  private async close(): Promise<void> {
    this.calls.dispose();
    await this.device.close();
    await this.calls.settled();
    await Promise.all(this.opened.map((each) => each.close()));
  }
}

async function findBundles(config: Config) {
  const clip = await resolveBundle('clip', config.clipModelName, config.clipModelPath);
  const caption =
    config.captionModelName === null ? null : await resolveBundle('caption', config.captionModelName, config.captionModelPath);
  if (caption) checkCaptionLength(config.captionMaxLength, caption);
  return { clip, caption };
}

async function deviceName(config: Config, binding: NativeBinding): Promise<string> {
  if (config.device !== 'auto') return config.device;
  return (await binding.runtimeInfo()).cudaDevices > 0 ? 'cuda' : 'cpu';
}
