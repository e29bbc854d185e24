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
import type { NativeBinding, NativeCancelToken, NativeDevice, NativeDeviceStats } from '../native/types';
import { type Call, Calls } from './calls';
import { Captioner, checkCaptionLength } from './captioner';
import { Clip } from './clip';
import { HeldImage } from './held-image';
import { type Closable, type Lease, type ModelPool, refuseOffloads, UNSHARED } from './model-pool';
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

/** What an engine is made of. */
interface Opening {
  binding: NativeBinding;
  /** `cpu`, `cuda`. */
  device: string;
  bundles: Bundles;
  calls: Calls;
  pool: ModelPool | undefined;
}

export interface EngineOptions extends CallOptions {
  /** Share the device and the models with the other interrogators of this pool. */
  pool?: ModelPool | undefined;
}

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
    private readonly leases: readonly Lease<unknown>[],
  ) {}

  /** Opens device and models. What was opened is closed again where a later part fails. */
  static async create(config: Config, { signal, onProgress, pool }: EngineOptions): Promise<Engine> {
    throwIfAborted(signal);
    if (pool) refuseOffloads(config);
    using progress = createProgressReporter(config.quiet, onProgress);
    // What costs nothing to find out is found out before gigabytes are fetched.
    const located = await locateModels(config);
    // libtorch is loaded by a thread, while this one hashes.
    const loading = loadNative();
    loading.catch(() => {});
    if (Object.values(located).some((each) => each !== null && 'entry' in each)) await loading;
    const bundles = await openModels(located, { download: config.download, signal, report: progress.report });
    const binding = await loading;
    const device = await deviceName(config, binding);
    const isOpen = (bundle: Bundle): boolean => pool?.has(modelKey(bundle, device, config)) ?? false;
    await verifyAll([bundles.clip, bundles.caption].filter((bundle) => bundle !== null && !isOpen(bundle)) as Bundle[], config, signal);
    const calls = new Calls(config, binding);
    let engine: Engine | undefined;
    try {
      return await calls.share(signal, progress.report, async (call) => {
        engine = await Engine.open(config, { binding, device, bundles, calls, pool }, call);
        return engine;
      });
    } catch (error) {
      await engine?.dispose();
      throw error;
    }
  }

  private static async open(
    config: Config,
    { binding, device: name, bundles, calls, pool }: Opening,
    { token, signal, report }: Call,
  ): Promise<Engine> {
    const { caption } = bundles;
    const leases: Lease<unknown>[] = [];
    const total = caption ? 3 : 2;
    const step = async <T>(opening: Promise<Lease<T>>): Promise<T> => {
      const lease = await opening;
      leases.unshift(lease);
      report({ stage: 'load', done: leases.length, total });
      return lease.handle;
    };
    try {
      report({ stage: 'load', done: 0, total });
      const { threads, maxBatch, imagePrecision: imageProducts } = config;
      const options = { threads: threads || undefined, maxBatch, maxQueue: pool ? SHARED_QUEUE : deviceQueue(config), imageProducts };
      const models = pool ?? UNSHARED;
      const device = await step(models.open(deviceKey(name, config), () => binding.openDevice(name, options), { signal }));
      const open = <T extends Closable>(bundle: Bundle, opening: (cancel?: NativeCancelToken) => Promise<T>): Promise<Lease<T>> =>
        models.open(modelKey(bundle, name, config), opening, { signal, token });
      const captionModel = caption && (await step(open(caption, (cancel) => binding.openCaptionModel(device, sourceOf(caption), cancel))));
      const clipModel = await step(open(bundles.clip, (cancel) => binding.openClipModel(device, sourceOf(bundles.clip), cancel)));
      const offloads = captionModel !== null && device.stats().name !== 'cpu';
      const residency = new Residency({
        clip: offloads && config.clipOffload ? clipModel : null,
        caption: offloads && config.captionOffload ? captionModel : null,
      });
      const captioner = caption && captionModel && (await Captioner.load(caption, captionModel, { residency, config }));
      const clip = await Clip.load(bundles.clip, clipModel, { residency, corrected: config.compat === 'corrected' });
      return new Engine(config, binding, device, calls, bundles.clip, caption, clip, captioner, leases);
    } catch (error) {
      for (const lease of leases) await lease.release().catch(() => {});
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
    const [device, ...models] = [...this.leases].reverse();
    // The device ends what runs at the end of its slice, where it is not shared.
    await device?.release();
    await this.calls.settled();
    await Promise.all([...models.map((model) => model.release()), this.endDecoders()]);
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

/** All at once: while one is hashed, the other is read. */
async function verifyAll(bundles: readonly Bundle[], { verifyHashes: hashes }: Config, signal: AbortSignal | undefined): Promise<void> {
  await Promise.all(bundles.map((bundle) => verifyFiles(bundle, { hashes, signal })));
}

/** Of a device that interrogators share: each has a bound of its own. */
const SHARED_QUEUE = 1 << 20;

/** Of two devices, or models on them, that can stand for each other, the same. */
function deviceKey(name: string, { threads, maxBatch, imagePrecision }: Config): string {
  return `device ${JSON.stringify([name, threads, maxBatch, imagePrecision])}`;
}

function modelKey({ folder, manifest: { kind, name } }: Bundle, device: string, config: Config): string {
  return `${kind} ${JSON.stringify([folder, name])} on ${deviceKey(device, config)}`;
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
