/** torch-interrogator worker: takes part in the runs of a fleet, with one device. */
import type { Command } from 'commander';
import { addRedisOptions, withFleet } from '../fleet/redis-option';
import { addWorkerOptions, type WorkerOptions, work } from '../fleet/worker';
import { wholeNumber } from '../options';

export function addWorkerCommand(program: Command): void {
  const command = program
    .command('worker')
    .description('work for a fleet: takes shards of its runs, one process a device, until it is told to end');
  addRedisOptions(command);
  addWorkerOptions(command)
    .option('--shards <n>', 'shards at the same time: while the last pictures of one are under way, the next begins', wholeNumber(1, 16), 2)
    .option('--lock-seconds <n>', 'a worker of which nobody hears for so long is taken for dead', wholeNumber(2, 3600), 30)
    .option('--grace <n>', 'seconds for the shards under way to end, once it is told to', wholeNumber(0, 86_400), 60)
    .option('--work-dir <dir>', 'where shards are while they are worked on (default: in the cache folder)')
    .option('--json', 'log JSON: an object a line')
    .action((options: WorkerOptions) => withFleet(options, (fleet) => work(fleet, options)));
}
