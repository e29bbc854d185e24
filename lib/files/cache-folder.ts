/** Where the package keeps what it fetches and makes: libtorch, the exporter's environment, bundles, label embeddings. */
import os from 'node:os';
import path from 'node:path';

/** `TORCH_INTERROGATOR_CACHE`, else a folder of ours in the user's cache folder. It may not exist yet. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.TORCH_INTERROGATOR_CACHE) return path.resolve(env.TORCH_INTERROGATOR_CACHE);
  return path.join(userCacheFolder(env), 'torch-interrogator');
}

/** `TORCH_INTERROGATOR_HOME`, else `bundles` in the cache folder: where names of bundles are looked up first. */
export function bundleHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.TORCH_INTERROGATOR_HOME) return path.resolve(env.TORCH_INTERROGATOR_HOME);
  return path.join(cacheFolder(env), 'bundles');
}

function userCacheFolder(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Caches');
  return env.XDG_CACHE_HOME ? path.resolve(env.XDG_CACHE_HOME) : path.join(os.homedir(), '.cache');
}
