/** What a run of no pictures is asked for. */
import { PACKAGE_VERSION, type RunSpec } from '../../../lib/fleet/runs/spec';

export function specOf(id: string, more: Partial<RunSpec> = {}): RunSpec {
  return {
    id,
    version: PACKAGE_VERSION,
    createdAt: Date.now(),
    title: '',
    tenant: 'default',
    priority: 10,
    shardSize: 2,
    config: {},
    task: { kind: 'features' },
    out: [],
    state: '/nowhere',
    ...more,
  };
}
