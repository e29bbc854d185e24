/** The native side of one interrogator: its device, its models, and the calls that run on them. */
import { inspect } from 'node:util';
import type { CallOptions } from '../arguments';
import { type Bundle, type CaptionManifest, type ClipManifest, sourceOf } from '../bundles/bundle';
import { fingerprintOf } from '../bundles/fingerprint';
import { type Fetching, requireAll } from '../bundles/published';
import { locateModel, manifestOf, neededBy, openLocated } from '../bundles/resolve';
import { verifyFiles } from '../bundles/verify';
import type { Config } from '../config';
import { InterrogatorError, throwIfAborted } from '../errors';
import type { DecodeOptions, EncodedImage, ImageInput } from '../image';
import { checkRawImage, colorOf, countPixels, decodeImage, decodeStats, rawImageOf, useDecodeThreads } from '../image';
import { loadNative } from '../native/load';
import type { NativeBinding, NativeDevice, NativeDeviceStats } from '../native/types';
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

type Bundles = Awaited<ReturnType<typeof openModels>>;

export class Engine {
  private readonly endDecoders = useDecodeThreads();
  private disposal: Promise<void> | undefined;

  private constructor(
    readonly config: Config,
    readonly binding: NativeBinding,
    readonly device: NativeDevice,
    readonly calls: Calls,
    readonly clipBundle: Bundle<ClipManifest>,
    private readonly captionBundle: Bundle<CaptionManifest> | null,
    readonly clip: Clip,
    private readonly loadedCaptioner: Captioner | null,
  ) {}

  /** Opens device and models. What was opened is closed again where a later part fails. */
  static async create(config: Config, { signal, onProgress }: CallOptions): Promise<Engine> {
    throwIfAborted(signal);
    using progress = createProgressReporter(config.quiet, onProgress);
    // What costs nothing to find out is found out before gigabytes are fetched.
    const located = await locateModels(config);
    // libtorch is loaded by a thread, while this one hashes.
    const loading = loadNative();
    loading.catch(() => {});
    if (Object.values(located).some((each) => each !== null && 'entry' in each)) await loading;
    const bundles = await openModels(located, { download: config.download, signal, report: progress.report });
    await verifyAll(bundles, config, signal);
    const binding = await loading;
    const calls = new Calls(config, binding);
    let engine: Engine | undefined;
    try {
      return await calls.share(signal, progress.report, async (call) => {
        engine = await Engine.open(config, binding, bundles, calls, call);
        return engine;
      });
    } catch (error) {
      await engine?.dispose();
      throw error;
    }
  }

  private static async open(
    config: Config,
    binding: NativeBinding,
    bundles: Bundles,
    calls: Calls,
    { token, report }: Call,
  ): Promise<Engine> {
    const { caption } = bundles;
    const opened: { close(): Promise<void> }[] = [];
    const total = caption ? 3 : 2;
    const step = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
      const handle = await opening;
      opened.unshift(handle);
      report({ stage: 'load', done: opened.length, total });
      return handle;
    };
    try {
      report({ stage: 'load', done: 0, total });
      const { threads, maxBatch, imagePrecision: imageProducts } = config;
      const options = { threads: threads || undefined, maxBatch, maxQueue: deviceQueue(config), imageProducts };
      const device = await step(binding.openDevice(await deviceName(config, binding), options));
      const captionModel = caption && (await step(binding.openCaptionModel(device, sourceOf(caption), token)));
      const clipModel = await step(binding.openClipModel(device, sourceOf(bundles.clip), token));
      const offloads = captionModel !== null && device.stats().name !== 'cpu';
      const residency = new Residency({
        clip: offloads && config.clipOffload ? clipModel : null,
        caption: offloads && config.captionOffload ? captionModel : null,
      });
      const captioner = caption && captionModel && (await Captioner.load(caption, captionModel, { residency, config }));
      const clip = await Clip.load(bundles.clip, clipModel, { residency, corrected: config.compat === 'corrected' });
      return new Engine(config, binding, device, calls, bundles.clip, caption, clip, captioner);
    } catch (error) {
      for (const handle of opened) await handle.close().catch(() => {});
      throw error;
    }
  }

  /** What console.log() shows of the engine in interrogators, features and tables. */
  [inspect.custom](): string {
    return `Engine { ${this.clipBundle.manifest.name} on ${this.config.device} }`;
  }

  /** The reference's bugs are mended. */
  get corrected(): boolean {
    return this.config.compat === 'corrected';
  }

  stats(): EngineStats {
    return { calls: this.calls.counts, device: this.device.stats(), decoding: decodeStats() };
  }

  /** See fingerprintOf(). `caption` is null where there is no such model. */
  async fingerprints(): Promise<{ clip: string; caption: string | null }> {
    return {
      clip: await fingerprintOf(this.clipBundle),
      caption: this.captionBundle && (await fingerprintOf(this.captionBundle)),
    };
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
    const image = binding.expectImage();
    try {
      const target = { addon: binding.file, number: image.number };
      const { release, isTruncated } = await decodeImage(
        input as EncodedImage,
        { signal, maxPixels, orientation, background, truncated },
        target,
      );
      return new HeldImage(image, release, isTruncated);
    } catch (error) {
      image.close();
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
    await Promise.all([this.clip.close(), this.loadedCaptioner?.close(), this.endDecoders()]);
  }
}

async function locateModels({ clipModelName, clipModelPath, captionModelName, captionModelPath, captionMaxLength }: Config) {
  const clip = await locateModel('clip', clipModelName, clipModelPath);
  const caption = captionModelName === null ? null : await locateModel('caption', captionModelName, captionModelPath);
  if (caption) checkCaptionLength(captionMaxLength, manifestOf(caption));
  return { clip, caption };
}

/** One after the other: both would share the connection. */
async function openModels({ clip, caption }: Awaited<ReturnType<typeof locateModels>>, fetching: Fetching) {
  await requireAll([neededBy(clip), ...(caption ? [neededBy(caption)] : [])], fetching);
  return { clip: await openLocated(clip, fetching), caption: caption && (await openLocated(caption, fetching)) };
}

/** Both at once: while one is hashed, the other is read. */
async function verifyAll({ clip, caption }: Bundles, { verifyHashes: hashes }: Config, signal: AbortSignal | undefined): Promise<void> {
  await Promise.all((caption ? [clip, caption] : [clip]).map((bundle) => verifyFiles(bundle, { hashes, signal })));
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
