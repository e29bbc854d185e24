import { invalid, isA } from '../arguments';
import type { Engine } from './engine';

/** What has an engine of its own: an Interrogator. Other rooms know it by this class alone. */
export abstract class EngineOwner {
  /** @internal */
  protected constructor(
    /** @internal */
    readonly engine: Engine,
  ) {}
}

/** @internal Throws ERR_INVALID_ARGUMENT for what is no interrogator. */
export function engineOf(interrogator: unknown): Engine {
  if (isA(interrogator, EngineOwner) && interrogator.engine) return interrogator.engine;
  throw invalid('interrogator: expected what Interrogator.create() resolves with.');
}
