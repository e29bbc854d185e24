/** torch-interrogator run submit|list|status|watch|pause|resume|cancel|retry|remove|limit: runs of a fleet. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Fleet } from '../../fleet';
import { addRedisOptions, noWorkerLine, type RedisOptions, withFleet } from '../fleet/redis-option';
import { runLines, showRun } from '../fleet/show-run';
import { addSubmitOptions, submit } from '../fleet/submit';
import { watch } from '../fleet/watch';
import { print } from '../lines';
import { addInterrogateOptions } from './interrogate';

interface OfRun extends RedisOptions {
  json?: boolean;
}

export function addRunCommand(program: Command): void {
  const group = program.command('run').description('work for a fleet of workers: hand it in, look at it, pause it, try failures again');
  const submitting = addRedisOptions(
    group.command('submit').description('hand pictures to the workers of a fleet; takes the options of interrogate'),
  );
  addSubmitOptions(addInterrogateOptions(submitting)).action(submit);
  addRedisOptions(group.command('list').description('all runs, the newest first').option('--json', 'print JSON: an object a line')).action(
    (options: OfRun) =>
      withFleet(options, async (fleet) => {
        const { listRuns } = loadFleet();
        const runs = await listRuns(fleet);
        if (options.json) for (const run of runs) print(JSON.stringify(run));
        else if (runs.length === 0) print('There are no runs.');
        else for (const run of runs) for (const line of runLines(run, columns())) print(line);
      }),
  );
  ofRun(group, 'status', 'how far a run is').action((id: string, options: OfRun) =>
    withFleet(options, async (fleet) => {
      const run = await loadFleet().readRun(fleet, id);
      showRun(run, { ...options, columns: columns() });
      const lonely = options.json || run.endedAt !== undefined ? undefined : await noWorkerLine(fleet, options.redisFlags);
      if (lonely !== undefined) print(`  ${lonely}`);
    }),
  );
  ofRun(group, 'watch', 'tell of a run until it has ended; the exit code is the run’s')
    .option('--progress <how>', 'as of interrogate: auto, line, json or none', 'auto')
    .action((id: string, options: OfRun & { progress: string }) => withFleet(options, (fleet) => watch(fleet, id, options)));
  change(group, 'pause', 'begin no more shards of a run', 'paused', (fleets, fleet, id) => fleets.pauseRun(fleet, id));
  change(group, 'resume', 'go on with a paused run', 'goes on', (fleets, fleet, id) => fleets.resumeRun(fleet, id));
  change(group, 'cancel', 'give a run up, and what it has made', 'cancelled', (fleets, fleet, id) => fleets.cancelRun(fleet, id));
  change(group, 'remove', 'forget a run that has ended; its outputs stay', 'removed', (fleets, fleet, id) => fleets.removeRun(fleet, id));
  ofRun(group, 'retry', 'try the pictures again that failed, and write the outputs anew').action((id: string, options: OfRun) =>
    withFleet(options, async (fleet) => {
      const { retryRun } = loadFleet();
      const shards = await retryRun(fleet, id);
      if (options.json) print(JSON.stringify({ run: id, shards }));
      else print(shards === 0 ? `Run ${id}: nothing has failed` : `Run ${id}: pictures of ${shards} shards are tried again`);
    }),
  );
  addRedisOptions(
    group
      .command('limit')
      .description('pictures a second that all runs of a tenant may begin; none: no limit')
      .argument('<tenant>')
      .argument('<n>', 'a number, or none', perSecondOf),
  ).action((tenant: string, perSecond: number | null, options: RedisOptions) =>
    withFleet(options, async (fleet) => {
      await loadFleet().limitTenant(fleet, tenant, perSecond);
      print(perSecond === null ? `Tenant ${tenant}: no limit` : `Tenant ${tenant}: ${perSecond} pictures a second`);
    }),
  );
}

function perSecondOf(text: string): number | null {
  if (text === 'none') return null;
  if (/^\d*\.?\d+$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('expected a number above 0, or none.');
}

type Fleets = typeof import('../../fleet');

/** Loaded where it is used: the other commands need no Redis. */
function loadFleet(): Fleets {
  return require('../../fleet') as Fleets;
}

function ofRun(group: Command, name: string, description: string): Command {
  return addRedisOptions(group.command(name).description(description).argument('<run>', 'its id').option('--json', 'print JSON'));
}

function change(
  group: Command,
  name: string,
  description: string,
  done: string,
  work: (fleets: Fleets, fleet: Fleet, id: string) => Promise<void>,
): void {
  ofRun(group, name, description).action((id: string, options: OfRun) =>
    withFleet(options, async (fleet) => {
      await work(loadFleet(), fleet, id);
      print(options.json ? JSON.stringify({ run: id }) : `Run ${id}: ${done}`);
    }),
  );
}

function columns(): number {
  return (process.stdout.columns || 80) - 1;
}
