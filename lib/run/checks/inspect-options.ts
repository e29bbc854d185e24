/** The options of inspectFolder(), checked before anything is opened or loaded. */
import { Interrogator } from '../../api';
import { callOptions, invalid, isA, optionsSchema, show } from '../../arguments';
import { accepted } from '../../arguments/schema';
import type { InspectOptions } from '../inspect/inspection';

/** A copy of the options. Throws ERR_INVALID_ARGUMENT for the folder, and naming every option that is wrong. */
export function checkedInspectOptions(folder: unknown, given: InspectOptions): InspectOptions {
  if (typeof folder !== 'string' || folder === '') throw invalid(`folder: got ${show(folder)}, expected a path.`);
  return callOptions('inspectFolder', given, INSPECT_OPTIONS);
}

const INSPECT_OPTIONS = optionsSchema((typebox) => {
  const { Type } = typebox;
  return {
    state: Type.String({ minLength: 1, expected: "a folder's path" }),
    interrogator: accepted(typebox, 'an Interrogator', (value) => isA(value, Interrogator)),
    config: Type.Object({}),
    duplicateThreshold: Type.Number({ exclusiveMinimum: 0, maximum: 1, expected: 'a number above 0, up to 1' }),
    sidecar: Type.String({ pattern: '^\\.[^/]+$', expected: 'what file names end in, such as ".txt"' }),
    most: Type.Integer({ minimum: 1 }),
  };
});
