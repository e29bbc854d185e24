/** Files of the model hub, fetched once and kept where Python's huggingface_hub keeps them. */
export { cachedFile } from './cache';
export { atEndpoint, hubCacheFolder, hubEndpoint, isOffline } from './environment';
export { type AskOptions, repositoryInfo } from './facts';
export { type FetchOptions, fetchFiles } from './fetch-files';
export { HubError, type HubReason } from './refusals';
