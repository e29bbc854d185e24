/** A worker from its start to its end. */
import type { TSchema } from '@sinclair/typebox';
import { type Command, Option } from 'commander';
import type { Fleet, Heartbeat, Lender, WorkerEvent } from '../../fleet';
import { Config, type ConfigInput } from '../../index';
import type { Responder } from '../../server/fleet/responder';
import { EXIT } from '../failure';
import { onInterrupts } from '../interrupts';
import { onOneLine } from '../lines';
import { wholeNumber } from '../options';
import { ignoreEchoes } from '../serve/echoes';
import { bytesOf, partsOf } from '../serve/options';
import { preferEventLoop } from '../serve/priority';
import type { RedisOptions } from './redis-option';

export interface WorkerOptions extends RedisOptions {
  device: string;
  threads?: number;
  cache?: string;
  download: boolean;
  shards: number;
  lockSeconds: number;
  grace: number;
  workDir?: string;
  json?: boolean;
  /** Single requests are answered, too. */
  requests: boolean;
  clip?: string[];
  caption?: string[];
  memory?: number;
}

function listOf(text: string, list: string[] = []): string[] {
  return [...list, ...partsOf(text)];
}

function description(name: keyof Config): string {
  const { description: said = '' } = (Config.schema.properties as Record<string, TSchema>)[name] ?? {};
  return said.replace(/\.$/, '');
}

export function addWorkerOptions(command: Command): Command {
  return command
    .addOption(new Option('--device <value>', description('device')).default('auto').env('TI_DEVICE'))
    .addOption(new Option('--threads <n>', description('threads')).argParser(wholeNumber(0, 1024)).env('TI_THREADS'))
    .option('--no-requests', 'take part in runs alone, and load no model before one needs it')
    .addOption(
      new Option('--clip <name,…>', 'CLIP models for single requests; the first is the default (as of serve)')
        .argParser(listOf)
        .env('TI_CLIP'),
    )
    .addOption(
      new Option('--caption <name,…>', 'caption models for single requests; the first is the default (as of serve)')
        .argParser(listOf)
        .env('TI_CAPTION'),
    )
    .addOption(
      new Option('--memory <bytes>', 'of models for single requests; those used least lately are unloaded (default: no limit)')
        .argParser(bytesOf)
        .env('TI_MEMORY'),
    )
    .addOption(new Option('--no-download', 'fetch no model and no label embeddings that are not there'))
    .addOption(new Option('--cache <dir>', 'folder of the label embeddings (default: in the cache folder)').env('TI_CACHE_PATH'));
}

export async function work(fleet: Fleet, options: WorkerOptions): Promise<void> {
  const { Heartbeat, RunWorker, faultMessage, within } = require('../../fleet') as typeof import('../../fleet');
  const { shards, lockSeconds, workDir, json, grace } = options;
  const config = configOf(options);
  const log = (event: Told): void => tell(event, json);
  const ended = new Promise<void>((resolve) => onInterrupts(resolve));
  const heartbeat = new Heartbeat(fleet, (error) => log({ event: 'failed', message: faultMessage(error) }));
  const responder = options.requests ? await openResponder(fleet, options, { config, heartbeat, log }) : undefined;
  const worker = new RunWorker({
    fleet,
    id: heartbeat.id,
    config,
    shards,
    lockSeconds,
    ...(workDir !== undefined && { folder: workDir }),
    isBusy: () => (responder?.busy ?? 0) > 0,
    ...(responder && { lender: lenderOf(responder) }),
    log,
  });
  heartbeat.tell(() => ({ runs: worker.stats }));
  try {
    await worker.start();
  } catch (error) {
    if (responder) await within(responder.close(), CLOSING_MS);
    throw error;
  }
  await heartbeat.beat();
  const leave = fleet.onReach((isReached) => log(isReached ? REDIS_BACK : REDIS_LOST));
  preferEventLoop();
  log({ event: 'started', worker: heartbeat.id, message: `The worker ${heartbeat.id} waits for work. Ctrl-C ends it.` });
  await ended;
  leave();
  ignoreEchoes();
  log({ event: 'ending', message: 'Ending: what is under way is finished, or given back.' });
  await Promise.all([worker.close(grace * 1000), responder && within(responder.drain(), grace * 1000)]);
  if (responder) await within(responder.close(), CLOSING_MS);
  await heartbeat.stop().catch(() => {});
  log({ event: 'ended', ...worker.stats, message: 'Ended.' });
  process.exitCode = EXIT.ok;
  // All is told and closed: what a library has left running is not to keep the process.
  setTimeout(() => process.exit(), LEFT_MS).unref();
}

/** Where Redis takes no notice. */
const CLOSING_MS = 10_000;
const LEFT_MS = 1000;
const REDIS_LOST = { event: 'redis lost', message: 'Redis does not answer: it is tried again, and what is under way goes on.' };
const REDIS_BACK = { event: 'redis back', message: 'Redis answers again.' };

interface ResponderSetting {
  config: ConfigInput;
  heartbeat: Heartbeat;
  log(event: Told): void;
}

/** Loads the models that single requests are answered with. */
async function openResponder(fleet: Fleet, options: WorkerOptions, { config, heartbeat, log }: ResponderSetting): Promise<Responder> {
  const { answerRequests } = require('../../server/fleet/responder') as typeof import('../../server/fleet/responder');
  const { clip, caption, device, memory } = options;
  const { device: _, ...others } = config;
  return answerRequests(fleet, {
    clip,
    caption,
    device: [device],
    memory,
    // Pictures of requests and of runs are decoded alike, so that both may use the same models.
    maxPixels: new Config().maxPixels,
    config: others,
    heartbeat,
    onEvent: (event, { clip, caption }) => log({ event, message: [clip, caption].filter(Boolean).join(' and ') }),
    onError: (error) => log({ event: 'failed', message: error instanceof Error ? error.message : String(error) }),
  });
}

/** A run that asks for nothing but models by their names uses those of the requests, where they are loaded. */
function lenderOf({ stations }: Responder): Lender {
  const { host } = stations.first;
  return (shared) => {
    const { clipModelName, captionModelName, ...others } = shared;
    if (Object.keys(others).length > 0) return undefined;
    const { clipModelName: clip, captionModelName: caption } = new Config({
      ...(clipModelName !== undefined && { clipModelName }),
      ...(captionModelName !== undefined && { captionModelName }),
    });
    if (host.state('clip', clip) === 'absent' || (caption !== null && host.state('caption', caption) === 'absent')) return undefined;
    return host.borrow({ clip, caption }, new AbortController().signal);
  };
}

function configOf({ device, threads, cache, download }: WorkerOptions): ConfigInput {
  const { labelsFolder } = require('../../fleet') as typeof import('../../fleet');
  return { device, download, ...(threads !== undefined && { threads }), cachePath: cache ?? labelsFolder() };
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
    message?.replaceAll('\n', ' '),
  ].filter(Boolean);
  process.stderr.write(
    `${new Date().toISOString()} ${onOneLine(event === 'started' || event === 'ending' || event === 'ended' ? String(message) : parts.join(' · '))}\n`,
  );
}
