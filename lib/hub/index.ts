/** Files of the model hub, fetched once and kept where Python's huggingface_hub keeps them. */
export { cachedFile, declaredContent, forget } from './cache';
export { downloadUrl } from './content';
export { atEndpoint, hubCacheFolder, isOffline } from './environment';
export { repositoryInfo } from './facts';
export { fetchFiles } from './fetch-files';
