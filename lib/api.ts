/** Images, labels and models, one call each: what everything above (runs, the command line) stands on. */

export { type BundleKind, bundleFolder } from './bundles/bundle';
export {
  type Architecture,
  architectures,
  type CatalogEntry,
  type Comparison,
  catalog,
  findModel,
  generatorNotes,
  type ImageGenerator,
  listCaptionModels,
  listClipModels,
  type Preprocess,
} from './bundles/catalog';
export { type InstalledBundle, installedBundles } from './bundles/installed';
export { Config, type ConfigInput, type ConfigValues } from './config';
export type { CallMessage } from './engine/calls';
export type { CallOptions, EngineStats, ProgressEvent, ProgressListener } from './engine/engine';
export { Features } from './engine/features';
export { ModelPool } from './engine/model-pool';
export { AbortError, ERROR_CODES, type ErrorCode, InterrogatorError } from './errors';
export { cacheFolder } from './files/cache-folder';
export type { EncodedImage, ImageInput, RawImage, ThumbnailOptions } from './image';
export { IMAGE_SUFFIXES } from './image/formats';
export { readImage, thumbnail } from './image/public';
export type { BatchFailure, BatchResult, BatchSuccess } from './interrogator/batch';
export type { Fingerprints } from './interrogator/fingerprints';
export { Interrogator } from './interrogator/interrogator';
export {
  type BatchOptions,
  type CaptionedOptions,
  type CaptionOptions,
  type ChainCallOptions,
  type CreateOptions,
  type DescribeOptions,
  type Description,
  type ImageOptions,
  type InterrogateOptions,
  MODES,
  type Mode,
  type ModesAnswer,
  type ModesOptions,
  type NegativeOptions,
  type RankTopOptions,
  type TermTable,
} from './interrogator/options';
export { LabelTable, type LabelTableOptions, type RankedLabel, type RankOptions, type RankScoredOptions } from './labels/label-table';
export { probabilityOf } from './labels/probability';
export { loadList } from './labels/vocabulary';
export {
  type ImportedModel,
  type ImportOptions,
  importModel,
  type ModelStatus,
  modelStatuses,
  type PulledModel,
  pullModel,
  requireKnownModels,
} from './models';
export { shownUrl } from './net/shown-url';
export { urlParts } from './net/url-parts';
