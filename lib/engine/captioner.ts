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

export class Captioner {
  private constructor(
    private readonly model: NativeCaptionModel,
    private readonly tokenizer: CaptionTokenizer,
    private readonly residency: Residency,
    private readonly options: NativeGenerateOptions,
    /** Ids that the decoder began with, and that are part of the caption. */
    private readonly opening: Int32Array,
    /** The decoder has more rows than the tokenizer has words. */
    private readonly padded: boolean,
  ) {}

  /** Rejects with ERR_CONFIG where captions could not get as long as `captionMaxLength` says behind `captionPrompt`. */
  static async load(
    bundle: Bundle<CaptionManifest>,
    model: NativeCaptionModel,
    { residency, config }: { residency: Residency; config: Config },
  ): Promise<Captioner> {
    const { manifest } = bundle;
    const { captionPrompt, captionMaxLength, numBeams, minLength, repetitionPenalty, noRepeatNgramSize } = config;
    const loading = CaptionTokenizer.load(tokenizerFolder(bundle), manifest.tokenizer);
    const [tokenizer, prompt] = await loading
      .then((loaded) => [loaded, loaded.encode(captionPrompt ?? '')] as const)
      .catch((cause) => {
        throw tokenizerFault(bundle, cause);
      });
    checkCaptionLength(captionMaxLength, manifest, prompt.length);
    const options = { maxTokens: captionMaxLength, numBeams, minLength, repetitionPenalty, noRepeatNgramSize, prompt };
    const isEncoders = manifest.decoder.encoderEndId !== undefined;
    const opening = isEncoders ? new Int32Array() : prompt;
    return new Captioner(model, tokenizer, residency, options, opening, manifest.family === 'blip2');
  }

  async caption(image: HeldImage, call: Call): Promise<string> {
    call.report({ stage: 'caption', done: 0, total: 1 });
    const { model, options, opening } = this;
    const ids = await this.residency.use('caption', call.signal, () => model.generate(image.native, options, call.token));
    call.report({ stage: 'caption', done: 1, total: 1 });
    const all = [...opening, ...ids];
    // As transformers does: such a row is no word. Elsewhere the tokenizer would be another model's.
    return strip(this.tokenizer.decode(this.padded ? all.filter((id) => this.tokenizer.has(id)) : all));
  }

  close(): Promise<void> {
    return this.model.close();
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
