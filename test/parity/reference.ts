/** A running reference: clip-interrogator 0.6.0 itself in a Python process, asked by JSON lines. */
import path from 'node:path';
import { exporterPython } from '../support/python';
import { ReferenceProcess } from './reference-process.cjs';

export interface ReferenceMode {
  prompt: string;
  /** Each winner of rank_top on the way, whole prompts. */
  steps: string[];
}

export class Reference extends ReferenceProcess {
  /** `cwd`: the folder that it runs in. */
  static async start({ cwd }: { cwd?: string } = {}): Promise<Reference> {
    return new Reference(await exporterPython(), path.join(__dirname, 'reference', 'server.py'), { cwd });
  }
}
