/** Graphs beside the reference: seeded weights as the reference library writes them, and both sides' answers with that file. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exporterPython } from '../exporter-python.mjs';
import { graphsCommand, packageModule, readAnswers } from '../seeded-models.mjs';
import { setUp } from '../setup.mjs';
import { StepError, title } from '../step.mjs';

const COMPARE = fileURLToPath(new URL('compare-process.mjs', import.meta.url));

/**
 * Verifies graphs, the smallest first, `jobs` at a time. `results` is a JSON file that keeps what other runs found about other graphs;
 * `depth` cuts models to so many layers.
 */
export async function verify(scratch, names, { results, depth, jobs }) {
  await setUp();
  const { listGraphs, parametersOf, readGraph } = packageModule('bundles/graph.js');
  const chosen = names.length > 0 ? names : listGraphs();
  const graphs = await Promise.all(chosen.map(async (name) => ({ name, parameters: parametersOf(await readGraph(name)) })));
  graphs.sort((one, other) => one.parameters - other.parameters);
  const python = await exporterPython();
  const failed = [];
  const work = async () => {
    for (let next = graphs.shift(); next; next = graphs.shift()) {
      const { name } = next;
      const result = await verified(python, name, { scratch, depth });
      if (!result.passed) failed.push(name);
      title(`${name}: ${JSON.stringify(result)}`);
      if (results) writeResult(results, name, result);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (failed.length > 0) throw new StepError(`Not what the reference gives: ${failed.join(', ')}.`);
  return 0;
}

async function verified(python, name, { scratch, depth }) {
  const began = performance.now();
  const folder = path.join(scratch, name);
  const facts = { on: new Date().toISOString().slice(0, 10), by: 'torch-interrogator', ...(depth && { depth }) };
  try {
    const args = ['reference', name, '--out', scratch, ...(depth ? ['--depth', String(depth)] : [])];
    await graphsCommand(python, args, `The reference gave no answers for ${name}.`);
    const { parameters, dtype } = readAnswers(folder);
    const { stdout } = await promisify(execFile)(process.execPath, [COMPARE, name, folder], { maxBuffer: 1 << 26 });
    return { ...facts, parameters, dtype, ...JSON.parse(stdout.trim().split('\n').at(-1)), seconds: secondsSince(began) };
  } catch (error) {
    return { ...facts, passed: false, error: (error.stderr ?? error.message).trim().slice(0, 2000), seconds: secondsSince(began) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Read again each time: another run may write, too. */
function writeResult(file, name, result) {
  const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const lines = Object.entries({ ...found, [name]: result }).map(([each, facts]) => `  ${JSON.stringify(each)}: ${JSON.stringify(facts)}`);
  writeFileSync(file, `{\n${lines.sort().join(',\n')}\n}\n`);
}

function secondsSince(began) {
  return Math.round((performance.now() - began) / 1000);
}
