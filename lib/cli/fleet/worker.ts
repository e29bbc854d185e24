/** A worker from its start to its end. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { TSchema } from '@sinclair/typebox';
import { type Command, Option } from 'commander';
import type { Fleet, WorkerEvent } from '../../fleet';
import { Config, type ConfigInput } from '../../index';
import { EXIT } from '../failure';
import { onInterrupts } from '../interrupts';
import { onOneLine } from '../lines';
import { wholeNumber } from '../options';
import { preferEventLoop } from '../serve/priority';
import type { RedisOptions } from './redis-option';

export interface WorkerOptions extends RedisOptions {
  device: string;
  threads?: number;
  cache?: string;
  shards: number;
  lockSeconds: number;
  grace: number;
  workDir?: string;
  json?: boolean;
}

function description(name: keyof Config): string {
  const { description: said = '' } = (Config.schema.properties as Record<string, TSchema>)[name] ?? {};
  return said.replace(/\.$/, '');
}

export function addWorkerOptions(command: Command): Command {
  return command
    .addOption(new Option('--device <value>', description('device')).default('auto').env('TI_DEVICE'))
    .addOption(new Option('--threads <n>', description('threads')).argParser(wholeNumber(0, 1024)).env('TI_THREADS'))
    .addOption(new Option('--cache <dir>', 'folder of the label embeddings (default: in the cache folder)').env('TI_CACHE_PATH'));
}

export async function work(fleet: Fleet, options: WorkerOptions): Promise<void> {
  const { RunWorker } = require('../../fleet') as typeof import('../../fleet');
  const id = `${hostname()}:${process.pid}:${randomBytes(2).toString('hex')}`;
  const { shards, lockSeconds, workDir, json } = options;
  const worker = new RunWorker({
    fleet,
    id,
    config: configOf(options),
    shards,
    lockSeconds,
    ...(workDir !== undefined && { folder: workDir }),
    log: (event) => tell(event, json),
  });
  const ended = new Promise<void>((resolve) => onInterrupts(resolve));
  worker.start();
  preferEventLoop();
  tell({ event: 'started', worker: id, message: `The worker ${id} waits for work. Ctrl-C ends it.` }, json);
  await ended;
  tell({ event: 'ending', message: 'Ending: shards under way are finished, or given back.' }, json);
  await worker.close(options.grace * 1000);
  tell({ event: 'ended', ...worker.stats, message: 'Ended.' }, json);
  process.exitCode = EXIT.ok;
}

function configOf({ device, threads, cache }: WorkerOptions): ConfigInput {
  const { labelsFolder } = require('../../fleet') as typeof import('../../fleet');
  return { device, ...(threads !== undefined && { threads }), cachePath: cache ?? labelsFolder() };
}

type Told = Partial<WorkerEvent> | { event: string; message?: string; [more: string]: unknown };

function tell({ event = '', message, ...more }: Told, json: boolean | undefined): void {
  if (json) {
    process.stderr.write(
      `${JSON.stringify({ time: new Date().toISOString(), event, ...more, ...(message !== undefined && { message }) })}\n`,
    );
    return;
  }
  const { run, shard, pictures, failed, seconds } = more as Record<string, unknown>;
  const parts = [
    run && `run ${run}`,
    shard !== undefined && `shard ${shard}`,
    event !== 'shard' && event,
    pictures !== undefined && `${pictures} pictures`,
    Boolean(failed) && `${failed} failed`,
    seconds !== undefined && `${seconds} s`,
    message,
  ].filter(Boolean);
  process.stderr.write(
    `${new Date().toISOString()} ${onOneLine(event === 'started' || event === 'ending' || event === 'ended' ? String(message) : parts.join(' · '))}\n`,
  );
}
