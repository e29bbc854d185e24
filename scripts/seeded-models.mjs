/** Models with seeded weights as the reference library writes them, and the package's own models of the same files. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { EXPORTER } from './exporter-python.mjs';
import { ROOT, show } from './step.mjs';

/** Of an engine or an interrogator that is compared with the reference. */
export const SETTINGS = { device: 'cpu', cachePath: null, download: false, downloadCache: false, quiet: true };

/** Runs a command of the exporter's graphs. A bad exit code is a StepError that says `fail`. */
export function graphsCommand(python, args, fail) {
  return show(python, ['-m', 'torch_interrogator_export.graphs', ...args], { fail, env: { PYTHONPATH: EXPORTER } });
}

/** What `graphs reference` wrote into a folder beside the weights. */
export function readAnswers(folder) {
  return JSON.parse(readFileSync(path.join(folder, 'answers.json'), 'utf8'));
}

/** The graph of a model with fewer layers, which lies beside its weights and not in the package. */
export function readReducedGraph(folder) {
  return packageModule('bundles/graph.js').parseGraph(readFileSync(path.join(folder, 'reduced.graph')));
}

/** An engine of the package for its device and for pictures as it decodes them; its own model is the sample. */
export function openEngine(settings = {}) {
  const { Config } = packageModule('config.js');
  const { Engine } = packageModule('engine/engine.js');
  return Engine.create(new Config({ ...SETTINGS, clipModelName: 'sample', captionModelName: null, ...settings }), {});
}

/** The model of a graph on an engine's device. It takes no tokenizer: those of some models are on the hub. */
export function openGraph(engine, name, graph, weights) {
  const { composeGraph } = packageModule('bundles/graph.js');
  const open = graph.header.kind === 'clip' ? 'openClipModel' : 'openCaptionModel';
  return engine.binding[open](engine.device, { bundle: composeGraph(graph, { ...graph.header.manifest, name }), weights });
}

/** What `ask` gives of the native image of a picture. */
export async function withImage(engine, file, ask) {
  const image = await engine.decode(file, { options: {}, signal: new AbortController().signal });
  return await ask(image.native).finally(() => image[Symbol.dispose]());
}

/** A module of the built package that is not public. */
export function packageModule(name) {
  return createRequire(import.meta.url)(path.join(ROOT, 'dist', name));
}
