/** torch-interrogator: the text prompt that would make an image like this one. */

export { type BundleKind, type InstalledBundle, installedBundles } from './bundles/bundle';
export { type CatalogEntry, catalog, listCaptionModels, listClipModels } from './bundles/catalog';
export { Config, type ConfigInput, type ConfigValues } from './config';
export type { CallOptions } from './engine/engine';
export { Features } from './engine/features';
export type { ProgressEvent, ProgressListener } from './engine/progress';
export { AbortError, ERROR_CODES, type ErrorCode, InterrogatorError } from './errors';
export type { ImageInput, RawImage } from './image';
export type { BatchFailure, BatchOptions, BatchResult, BatchSuccess } from './interrogator/batch';
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
} from './interrogator/interrogator';
export { LabelTable, type RankedLabel, type RankOptions } from './labels/label-table';
export { loadList } from './labels/vocabulary';
