export { CaptionTokenizer } from './caption-tokenizer';
export { splitsCleanly } from './clean';
export { ClipTokenizer } from './clip-tokenizer';
