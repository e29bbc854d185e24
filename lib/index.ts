/** torch-interrogator: the text prompt that would make an image like this one. */
export type { BatchFailure, BatchOptions, BatchResult, BatchSuccess } from './batch';
export { type BundleKind, type InstalledBundle, installedBundles } from './bundle';
export { type CatalogEntry, catalog, listCaptionModels, listClipModels } from './catalog';
export { Config, type ConfigInput, type ConfigValues } from './config';
export type { CallOptions } from './engine';
export { AbortError, ERROR_CODES, type ErrorCode, InterrogatorError } from './errors';
export { Features } from './features';
export type { ImageInput, RawImage } from './image';
export {
  type CaptionedOptions,
  type ChainCallOptions,
  type DescribeOptions,
  type Description,
  type InterrogateOptions,
  Interrogator,
  type Mode,
  type NegativeOptions,
  type RankTopOptions,
} from './interrogator';
export { LabelTable, type RankedLabel, type RankOptions } from './label-table';
export type { ProgressEvent, ProgressListener } from './progress';
export { loadList } from './vocabulary';
