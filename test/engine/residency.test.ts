import { Residency } from '../../lib/engine/residency';

/** Records when models move, and whether both were ever on the device at once. */
function models(offloaded: { clip: boolean; caption: boolean }) {
  const moves: string[] = [];
  const model = (name: string) => ({
    offload: async () => void moves.push(`${name} off`),
    restore: async () => void moves.push(`${name} on`),
  });
  return {
    moves,
    residency: new Residency({ clip: offloaded.clip ? model('clip') : null, caption: offloaded.caption ? model('caption') : null }),
  };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

test('without offloading nothing moves and nothing waits', async () => {
  const { moves, residency } = models({ clip: false, caption: false });
  let release = () => {};
  const clip = residency.use('clip', undefined, () => new Promise<void>((resolve) => (release = resolve)));
  await residency.use('caption', undefined, async () => {});
  release();
  await clip;
  expect(moves).toEqual([]);
});

test('the models change places between uses of one and of the other', async () => {
  const { moves, residency } = models({ clip: true, caption: true });
  await residency.use('caption', undefined, async () => {});
  await residency.use('caption', undefined, async () => {});
  await residency.use('clip', undefined, async () => {});
  expect(moves).toEqual(['clip off', 'caption off', 'clip on']);
});

test('a model that is not offloaded stays', async () => {
  const { moves, residency } = models({ clip: false, caption: true });
  await residency.use('clip', undefined, async () => {});
  await residency.use('caption', undefined, async () => {});
  await residency.use('clip', undefined, async () => {});
  expect(moves).toEqual(['caption off', 'caption on', 'caption off']);
});

test('work on one model runs together and keeps the other waiting, which later callers do not overtake', async () => {
  const { residency } = models({ clip: true, caption: true });
  const events: string[] = [];
  const releases: (() => void)[] = [];
  const use = (kind: 'clip' | 'caption', name: string) =>
    residency.use(kind, undefined, async () => {
      events.push(`${name} starts`);
      await new Promise<void>((resolve) => releases.push(resolve));
      events.push(`${name} ends`);
    });
  const uses = [use('clip', 'clip 1'), use('clip', 'clip 2'), use('caption', 'caption'), use('clip', 'clip 3')];
  await tick();
  expect(events).toEqual(['clip 1 starts', 'clip 2 starts']);
  for (let i = 0; i < 10; i += 1) {
    for (const release of releases.splice(0)) release();
    await tick();
  }
  await Promise.all(uses);
  expect(events.slice(4)).toEqual(['caption starts', 'caption ends', 'clip 3 starts', 'clip 3 ends']);
});

test('an abort ends the wait and leaves the queue in order', async () => {
  const { residency } = models({ clip: true, caption: true });
  let release = () => {};
  const clip = residency.use('clip', undefined, () => new Promise<void>((resolve) => (release = resolve)));
  const controller = new AbortController();
  const waiting = residency.use('caption', controller.signal, async () => 'ran');
  controller.abort('enough');
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
  release();
  await clip;
  expect(await residency.use('clip', undefined, async () => 'next')).toBe('next');
});

test('a failure to move rejects the use, and the next use tries again', async () => {
  let failures = 1;
  const caption = {
    offload: async () => {},
    restore: async () => {
      if (failures-- > 0) throw new Error('no memory');
    },
  };
  const residency = new Residency({ clip: null, caption });
  await residency.use('clip', undefined, async () => {});
  await expect(residency.use('caption', undefined, async () => {})).rejects.toThrow('no memory');
  expect(await residency.use('caption', undefined, async () => 'ran')).toBe('ran');
});

test('a move that an abort has left behind is done before the next begins', async () => {
  const resident = new Set(['clip', 'caption']);
  const model = (name: string) => ({
    offload: async () => {
      await tick();
      resident.delete(name);
    },
    restore: async () => {
      await tick();
      resident.add(name);
    },
  });
  const residency = new Residency({ clip: model('clip'), caption: model('caption') });
  let release = () => {};
  const first = residency.use('clip', undefined, () => new Promise<void>((resolve) => (release = resolve)));
  while (resident.has('caption')) await tick();
  const controller = new AbortController();
  const abandoned = residency.use('caption', controller.signal, async () => {});
  const last = residency.use('clip', undefined, async () => {
    await tick();
    await tick();
    return [...resident];
  });
  controller.abort();
  await expect(abandoned).rejects.toMatchObject({ name: 'AbortError' });
  release();
  await first;
  expect(await last).toEqual(['clip']);
});
