/** What is said of a name that means no model. */
import path from 'node:path';
import { nearest } from '../arguments/nearest';
import { show } from '../arguments/show';
import { InterrogatorError } from '../errors';
import { isThere } from '../files/is-there';
import { bundleFolderName } from './bundle';
import { architectures, type BundleKind, catalog, findArchitecture, withoutBlanks } from './catalog';
import { installedBundles, shortName } from './installed';
import { trainedNames } from './untrained';

/** ERR_MODEL_UNKNOWN, with the nearest names. Without a kind, any model was meant. */
export async function unknownModel(kind: BundleKind | undefined, given: string): Promise<InterrogatorError> {
  const name = given.trim();
  const spelt = withoutBlanks(name);
  const error = (message: string, ...hints: (string | false | undefined)[]): InterrogatorError =>
    new InterrogatorError('ERR_MODEL_UNKNOWN', message, { hint: hints.filter(Boolean).join('\n') });
  const isMeant = (model: { kind: BundleKind }): boolean => kind === undefined || model.kind === kind;
  const bundles = await installedBundles();
  const installed = new Set(
    bundles.filter(isMeant).map((bundle) => (bundleFolderName(bundle.name) === shortName(bundle) ? bundle.name : shortName(bundle))),
  );
  const list = 'List the names with: npx torch-interrogator models';
  const what = kind === undefined ? 'model' : `${kind === 'clip' ? 'CLIP' : kind} model`;
  const known = catalog().filter(isMeant);
  if (known.some((model) => model.name === spelt)) return error(`The ${what} ${name} is not supported by this version.`, list);
  const unknown = `There is no ${what} called ${show(name)}`;
  const other = [...catalog(), ...bundles].find((model) => model.name === spelt || model.name === name);
  if (other) {
    return error(
      `${unknown}: it is a ${other.kind} model.`,
      other.kind === 'clip' ? 'Give it as clipModelName, or --clip.' : 'Give it as captionModelName, or --caption.',
    );
  }
  if (await isThere(path.resolve(name, 'manifest.json'))) return error(`${unknown}, but a folder.`, `For the folder give ./${name}`);
  const supported = known.filter((model) => model.graph).map((model) => model.name);
  const ofArchitecture = supported.filter((each) => each.startsWith(`${architectureOf(spelt)}/`));
  if (ofArchitecture.length > 0) {
    const [likely = ofArchitecture[0]] = nearest(name, ofArchitecture, 1);
    return error(
      `${unknown}. A CLIP model's name is ARCHITECTURE/TAG.`,
      `Names of this architecture: ${ofArchitecture.join(', ')}.`,
      `Fetch one with: npx torch-interrogator pull ${likely}`,
      list,
    );
  }
  const untrained = kind === 'caption' ? undefined : findArchitecture(architectureOf(spelt));
  if (untrained) {
    return error(
      `${unknown}.`,
      trainedNames(untrained),
      `${untrained.name}/ runs it with random weights: its answers say nothing of an image.`,
      list,
    );
  }
  const random = kind === 'caption' ? [] : architectures().flatMap(({ name: each, tags }) => (tags.length === 0 ? [`${each}/`] : []));
  const near = nearest(name, [...new Set([...supported, ...random, ...installed])], 3);
  const [first] = near;
  return error(
    `${unknown}.`,
    first && `Nearest names: ${near.join(', ')}.`,
    first && !installed.has(first) && !random.includes(first) && `Fetch one with: npx torch-interrogator pull ${first}`,
    list,
  );
}

function architectureOf(name: string): string {
  return name.replace(/[/:,].*$/, '');
}
