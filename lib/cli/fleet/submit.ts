/** torch-interrogator run submit. */
import { type Command, Option } from 'commander';
import type { SubmitOptions } from '../../fleet';
import type { InterrogateOptions } from '../commands/interrogate';
import { interrogateRun } from '../commands/interrogate';
import { argumentInputs } from '../inputs';
import { untilInterrupted } from '../interrupts';
import { print } from '../lines';
import { wholeNumber } from '../options';
import { count } from '../run/progress-line';
import { eraseStatus, showLine } from '../status';
import { noWorkerLine, type RedisOptions, reachLine, withFleet } from './redis-option';
import { watch } from './watch';

interface SubmitCommandOptions extends InterrogateOptions, RedisOptions {
  shardSize?: number;
  shardsAtOnce?: number;
  tenant?: string;
  priority?: number;
  wait?: boolean;
}

/** Those of interrogate that mean nothing where others do the work. */
const OF_ONE_MACHINE: Readonly<Record<string, string>> = {
  device: 'each worker has its own: torch-interrogator worker --device',
  threads: 'each worker has its own: torch-interrogator worker --threads',
  concurrency: 'a worker knows what its device takes; --shards-at-once is how many shards are worked on together',
  download: 'each worker has its own: torch-interrogator worker --no-download',
  redo: 'a run of a fleet always begins anew',
  onlyErrors: 'torch-interrogator run retry tries the failed pictures of a run again',
  dryRun: 'it shows texts that are made here: torch-interrogator interrogate --dry-run',
};

export function addSubmitOptions(command: Command): Command {
  for (const option of command.options) {
    if (OF_ONE_MACHINE[option.attributeName()] !== undefined || option.long === '--no-state') option.hideHelp();
  }
  return command
    .option(
      '--shard-size <n>',
      'pictures that a worker takes at a time, which are lost where it dies (default: 200)',
      wholeNumber(1, 10_000),
    )
    .option('--shards-at-once <n>', 'shards under way on all workers together (default: no limit)', wholeNumber(1, 1_000_000))
    .option('--tenant <name>', 'whose run it is, for limits (default: default)')
    .option('--priority <n>', 'runs of 1 are before those of 2, up to 100 (default: 10)', wholeNumber(1, 100))
    .addOption(new Option('--wait', 'watch the run until it has ended; the exit code is then its own'));
}

export async function submit(args: readonly string[], options: SubmitCommandOptions, command: Command): Promise<void> {
  for (const [name, why] of Object.entries(OF_ONE_MACHINE)) {
    if (command.getOptionValueSource(name) !== 'cli') continue;
    const flag = command.options.find((option) => option.attributeName() === name)?.long ?? name;
    command.error(`error: ${flag} is not of a fleet's run: ${why}.`);
  }
  if (options.state === false) command.error("error: --no-state is not of a fleet's run: its shards are kept until they are merged.");
  const {
    state,
    concurrency: _,
    again: __,
    devices: ___,
    ...run
  } = await interrogateRun(args, options, command, {
    similarities: options.similarity,
  });
  const { shardSize, shardsAtOnce, tenant, priority } = options;
  const settings: SubmitOptions = {
    ...run,
    ...(typeof state === 'string' && { state }),
    ...(shardSize !== undefined && { shardSize }),
    ...(shardsAtOnce !== undefined && { shardsAtOnce }),
    ...(tenant !== undefined && { tenant }),
    ...(priority !== undefined && { priority }),
    title: ['interrogate', ...args].join(' ').slice(0, 200),
  };
  await withFleet(options, async (fleet) => {
    const { submitRun } = require('../../fleet') as typeof import('../../fleet');
    let pictures = 0;
    const leave = fleet.onReach((isReached) => {
      eraseStatus();
      console.error(reachLine(isReached));
    });
    const id = await untilInterrupted((signal) =>
      submitRun(fleet, argumentInputs(args), {
        ...settings,
        signal,
        onSubmitted: (submitted) => {
          pictures = submitted;
          if (process.stderr.isTTY && !options.quiet) showLine(`${count(submitted)} pictures submitted`);
        },
      }),
    ).finally(leave);
    eraseStatus();
    if (options.json) print(JSON.stringify({ run: id }));
    else print(`Run ${id}: ${count(pictures)} pictures. Look at it with: npx torch-interrogator run watch ${id}${options.redisFlags}`);
    const lonely = options.json || options.wait ? undefined : await noWorkerLine(fleet, options.redisFlags);
    if (lonely !== undefined) console.error(lonely);
    if (options.wait) await watch(fleet, id, { json: false, progress: options.progress, redisFlags: options.redisFlags });
  });
}
