/** The settings of a run's models, of a command's options. */
import type { Config } from '../../index';
import { toConfig } from '../options';
import { devicesOf, type PictureOptions } from './options';

/** The devices are the run's: of several names the config has the first. A run without captions loads no caption model. */
export function toRunConfig(options: PictureOptions, { caption = true } = {}): Config {
  const [device = ''] = devicesOf(options.device);
  const truncated = options.bestEffort ? { truncated: 'best-effort' } : {};
  return toConfig({ ...options, ...truncated, device }, { caption });
}
