/** Models as other systems call them. */
import type { BundleKind } from '../../index';

/** Transformers' copies of OpenAI's weights, which the catalog has from elsewhere; SD.Next's names. */
const OTHERS: Record<BundleKind, Record<string, string>> = {
  clip: {
    'openai/clip-vit-base-patch32': 'ViT-B-32/openai',
    'openai/clip-vit-base-patch16': 'ViT-B-16/openai',
    'openai/clip-vit-large-patch14': 'ViT-L-14/openai',
    'openai/clip-vit-large-patch14-336': 'ViT-L-14-336/openai',
  },
  caption: {
    'blip2-opt-2.7b': 'blip2-2.7b',
    'blip2-flip-t5-xl': 'blip2-flan-t5-xl',
  },
};

/** `ViT-L-14__openai` (Immich), `ViT-L-14::openai` (clip-as-service), `blip2-flip-t5-xl` (SD.Next); what is none of theirs as it is. */
export function ourName(kind: BundleKind, name: string): string {
  const known = Object.hasOwn(OTHERS[kind], name) ? OTHERS[kind][name] : undefined;
  return known ?? (kind === 'clip' ? name.replace(/__|::/, '/') : name);
}
