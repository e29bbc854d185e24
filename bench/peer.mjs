/** The peer: clip-interrogator 0.6.0, unmodified, in a Python process of its own. */
import path from 'node:path';
import { ROOT } from '../scripts/step.mjs';
import { ReferenceProcess } from '../test/parity/reference-process.cjs';

export class Peer extends ReferenceProcess {
  constructor(python) {
    super(python, path.join(ROOT, 'bench', 'peer', 'main.py'));
  }

  /** Loads the models, and the label tables from their cache. */
  load({ clip, caption, cache }, { device, vocabulary }) {
    return this.call('load', {
      clip: clip.reference,
      caption: caption?.reference ?? null,
      options: {
        device: peerDevice(device),
        cache_path: cache,
        ...(vocabulary && { data_path: vocabulary }),
        ...(caption && caption.reference === null && { caption_model_name: caption.name }),
      },
    });
  }

  /** What one of peer/timed.py gives, and the seconds that it took by the peer's own clock. */
  timed(work, args) {
    return this.call('timed', { work, arguments: args });
  }

  async seconds(work, args) {
    return (await this.timed(work, args)).seconds;
  }
}

/** clip-interrogator computes in float16 only where its device is called just 'cuda'. */
export function peerDevice(device) {
  return device.startsWith('cuda') ? 'cuda' : device;
}
