/** The caption model of an interrogator, with its tokenizer. */
import { type Bundle, type CaptionManifest, tokenizerFolder } from '../bundles/bundle';
import { tokenizerFault } from '../bundles/tokenizers';
import type { Config } from '../config';
import { InterrogatorError } from '../errors';
import type { NativeCaptionModel, NativeGenerateOptions } from '../native/types';
import { CaptionTokenizer } from '../tokenizer';
import { strip } from '../tokenizer/clean/python-text';
import type { Call } from './calls';
import type { HeldImage } from './held-image';
import type { Residency } from './residency';

/** What one call asks for in place of the config's. */
export interface CaptionWishes {
  captionMaxLength?: number | undefined;
  captionPrompt?: string | null | undefined;
  numBeams?: number | undefined;
}

export class Captioner {
  private constructor(
    private readonly manifest: CaptionManifest,
    private readonly model: NativeCaptionModel,
    private readonly tokenizer: CaptionTokenizer,
    private readonly residency: Residency,
    private readonly config: Config,
  ) {}

  /** Rejects with ERR_CONFIG where captions could not get as long as `captionMaxLength` says behind `captionPrompt`. */
  static async load(
    bundle: Bundle<CaptionManifest>,
    model: NativeCaptionModel,
    { residency, config }: { residency: Residency; config: Config },
  ): Promise<Captioner> {
    const { manifest } = bundle;
    const loading = CaptionTokenizer.load(tokenizerFolder(bundle), manifest.tokenizer);
    const captioner = await loading
      .then((tokenizer) => {
        tokenizer.encode(config.captionPrompt ?? '');
        return new Captioner(manifest, model, tokenizer, residency, config);
      })
      .catch((cause) => {
        throw tokenizerFault(bundle, cause);
      });
    captioner.settle({});
    return captioner;
  }

  /** Rejects with ERR_CONFIG as load() does. */
  async caption(image: HeldImage, call: Call, wishes: CaptionWishes = {}): Promise<string> {
    const options = this.settle(wishes);
    call.report({ stage: 'caption', done: 0, total: 1 });
    const ids = await this.residency.use('caption', call.signal, () => this.model.generate(image.native, options, call.token));
    call.report({ stage: 'caption', done: 1, total: 1 });
    // What the decoder began with is a part of the caption, but where an encoder read it.
    const all = this.manifest.decoder.encoderEndId === undefined ? [...options.prompt, ...ids] : [...ids];
    // As transformers does: BLIP-2's decoder has more rows than its tokenizer has words. Elsewhere the tokenizer would be another model's.
    const padded = this.manifest.family === 'blip2';
    return strip(this.tokenizer.decode(padded ? all.filter((id) => this.tokenizer.has(id)) : all));
  }

  /** What the model is told: the config's, and over it a call's. */
  private settle(wishes: CaptionWishes): NativeGenerateOptions & { prompt: Int32Array } {
    const { minLength, repetitionPenalty, noRepeatNgramSize } = this.config;
    const { captionMaxLength = this.config.captionMaxLength, numBeams = this.config.numBeams } = wishes;
    const text = wishes.captionPrompt === undefined ? this.config.captionPrompt : wishes.captionPrompt;
    const prompt = this.tokenizer.encode(text ?? '');
    checkCaptionLength(captionMaxLength, this.manifest, prompt.length);
    return { maxTokens: captionMaxLength, numBeams, minLength, repetitionPenalty, noRepeatNgramSize, prompt };
  }
}

/** Throws ERR_CONFIG where captions could not get as long as `captionMaxLength` says behind a prompt of so many tokens. */
export function checkCaptionLength(captionMaxLength: number, manifest: CaptionManifest, prompt = 0): void {
  const { maxPositions, promptIds, encoderEndId } = manifest.decoder;
  // The last new token is not fed back, so it needs no position.
  const positions = maxPositions - promptIds.length + 1;
  if (prompt >= positions) {
    const fault = `captionPrompt: got a text of ${prompt} tokens; ${manifest.name} reads at most ${positions - 1}.`;
    throw new InterrogatorError('ERR_CONFIG', fault, { hint: 'Make captionPrompt shorter.' });
  }
  const most = encoderEndId === undefined ? positions - prompt : positions;
  if (captionMaxLength <= most) return;
  const behind = prompt > 0 ? ` behind a captionPrompt of ${prompt}` : '';
  const fault = `captionMaxLength: got ${captionMaxLength}; captions of ${manifest.name} have at most ${most} tokens${behind}.`;
  throw new InterrogatorError('ERR_CONFIG', fault, { hint: `Set captionMaxLength to at most ${most}.` });
}
