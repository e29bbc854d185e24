/** Loads one native library and tells of it as JSON, in a process of its own: a library that does not fit the machine may end it. */
import { loadNative } from '../native/load';

const PROBES: Record<string, () => object | Promise<object>> = {
  addon: async () => (await loadNative()).runtimeInfo(),
  sharp: () => ({ version: require('sharp').versions.sharp }),
};

async function probe(name: string): Promise<object> {
  try {
    return { found: await PROBES[name]?.() };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return { problem: { code: code ?? 'ERR_RUNTIME', message } };
  }
}

void probe(process.argv[2] as string).then((result) => process.stdout.write(JSON.stringify(result)));
