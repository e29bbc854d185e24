export { CaptionTokenizer, type CaptionTokenizerOptions } from './caption-tokenizer';
export { type CleanMode, cleanText, splitsCleanly } from './clean';
export { ClipTokenizer, type ClipTokenizerOptions } from './clip-tokenizer';
