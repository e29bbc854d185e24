/** Who waits for another's build of a table. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../lib/files/lock';
import { inOneProcess } from '../../lib/labels/label-lock';
import type { LabelParts } from '../../lib/labels/label-parts';
import type { WantedLabels } from '../../lib/labels/wanted-labels';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'label-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a listener that throws while another one builds leaves no rejection unhandled', async () => {
  const unhandled: unknown[] = [];
  const hear = (error: unknown): unknown => unhandled.push(error);
  process.on('unhandledRejection', hear);
  try {
    const lockFile = path.join(folder, 'table.lock');
    const release = await acquireLock(lockFile);
    let told = 0;
    const report = (): never => {
      told += 1;
      throw new TypeError('on purpose');
    };
    const wanted = { labels: ['a'], call: { signal: new AbortController().signal, report } } as unknown as WantedLabels;
    const parts = { lockFile, list: async () => [] } as unknown as LabelParts;
    const waiting = inOneProcess(wanted, 'labels', parts, async () => 'done');
    await sleep(400);
    await release();
    expect(await waiting).toBe('done');
    expect(told).toBeGreaterThan(0);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', hear);
  }
});
