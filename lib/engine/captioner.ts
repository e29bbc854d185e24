/** The caption model of an interrogator, with its tokenizer. */
import { type Bundle, type CaptionManifest, tokenizerFolder } from '../bundles/bundle';
import { InterrogatorError } from '../errors';
import type { NativeCaptionModel } from '../native/types';
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
    private readonly maxTokens: number,
  ) {}

  static async load(
    bundle: Bundle<CaptionManifest>,
    model: NativeCaptionModel,
    { residency, maxTokens }: { residency: Residency; maxTokens: number },
  ): Promise<Captioner> {
    return new Captioner(model, await CaptionTokenizer.load(tokenizerFolder(bundle), bundle.manifest.tokenizer), residency, maxTokens);
  }

  async caption(image: HeldImage, call: Call): Promise<string> {
    call.report({ stage: 'caption', done: 0, total: 1 });
    const { model, maxTokens } = this;
    const ids = await this.residency.use('caption', call.signal, () => model.generate(image.native, { maxTokens }, call.token));
    call.report({ stage: 'caption', done: 1, total: 1 });
    return strip(this.tokenizer.decode(ids));
  }

  close(): Promise<void> {
    return this.model.close();
  }
}

/** Throws ERR_CONFIG where captions could not get as long as `captionMaxLength` says. */
export function checkCaptionLength(captionMaxLength: number, manifest: CaptionManifest): void {
  const { maxPositions, promptIds } = manifest.decoder;
  // The last new token is not fed back, so it needs no position.
  const most = maxPositions - promptIds.length + 1;
  if (captionMaxLength <= most) return;
  const fault = `captionMaxLength: got ${captionMaxLength}; captions of ${manifest.name} have at most ${most} tokens.`;
  throw new InterrogatorError('ERR_CONFIG', fault, { hint: `Set captionMaxLength to at most ${most}.` });
}
