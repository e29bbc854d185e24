/** Loads one native library and tells of it as JSON, in a process of its own: a library that does not fit the machine may end it. */
import { loadNative } from '../native/load';

const PROBES: Record<string, () => object> = {
  addon: () => loadNative().runtimeInfo(),
  sharp: () => ({ version: require('sharp').versions.sharp }),
};

function probe(name: string): object {
  try {
    return { found: PROBES[name]?.() };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return { problem: { code: code ?? 'ERR_RUNTIME', message } };
  }
}

process.stdout.write(JSON.stringify(probe(process.argv[2] as string)));
