/** The doctor explains an installation, also one where nothing is set up. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { diagnose, formatDiagnosis } from '../../lib/setup/doctor';

describe('doctor', () => {
  test('names the libtorch, the addon and the CPU that calls run on', async () => {
    const diagnosis = await diagnose();
    expect(diagnosis.libtorch).toMatchObject({ version: '2.11.0', problem: null, path: expect.any(String) });
    expect(diagnosis.addon).toMatchObject({ loaded: true, problem: null });
    expect(diagnosis.node.supported).toBe(true);
    expect(diagnosis.physicalCores).toBeGreaterThan(0);
    expect(formatDiagnosis(diagnosis)).toContain(diagnosis.libtorch.path as string);
  });

  test('counts the CUDA devices, and none without CUDA libraries', async () => {
    const { cuda } = await diagnose();
    expect(cuda.available).toBe(cuda.devices > 0);
    if (!cuda.libraries) expect(cuda.devices).toBe(0);
  });

  test('says what to do where no libtorch is', async () => {
    const saved = { ...process.env };
    const folder = mkdtempSync(path.join(os.tmpdir(), 'doctor-test-'));
    delete process.env.LIBTORCH;
    delete process.env.LIBTORCH_USE_PYTORCH;
    process.env.TORCH_INTERROGATOR_CACHE = folder;
    try {
      const diagnosis = await diagnose();
      expect(diagnosis.libtorch).toMatchObject({ path: null, problem: { code: 'ERR_LIBTORCH_NOT_FOUND' } });
      expect(formatDiagnosis(diagnosis)).toContain('npx torch-interrogator setup');
      expect(diagnosis.caches).toMatchObject({ folder, bytes: 0 });
    } finally {
      process.env = saved;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
