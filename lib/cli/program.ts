/** All commands, and how a command line ends. */
import { Command, CommanderError } from 'commander';
import { addDoctorCommand } from './commands/doctor';
import { addExportCommand } from './commands/export';
import { addFeaturesCommand } from './commands/features';
import { addImportCommand } from './commands/import';
import { addInspectCommand } from './commands/inspect';
import { addInterrogateCommand } from './commands/interrogate';
import { addModelsCommand } from './commands/models';
import { addPullCommand } from './commands/pull';
import { addRankCommand } from './commands/rank';
import { addRunCommand } from './commands/run';
import { addServeCommand } from './commands/serve';
import { addSetupCommand } from './commands/setup';
import { addStatusCommand } from './commands/status';
import { addWorkerCommand } from './commands/worker';
import { describeFailure, EXIT, exitCodeOf } from './failure';

const { version } = require('../../package.json') as { version: string };

function createProgram(): Command {
  const program = new Command('torch-interrogator')
    .description('Give it an image; it answers with the text prompt that would make an image like it.')
    .version(version)
    .showHelpAfterError('(run with --help for the options)')
    .showSuggestionAfterError()
    // Commander exits with 1 on a wrong command line; ours is 2, so every command throws instead.
    .exitOverride();
  addInterrogateCommand(program);
  addRankCommand(program);
  addFeaturesCommand(program);
  addServeCommand(program);
  addRunCommand(program);
  addWorkerCommand(program);
  addStatusCommand(program);
  addInspectCommand(program);
  addPullCommand(program);
  addModelsCommand(program);
  addImportCommand(program);
  addExportCommand(program);
  addDoctorCommand(program);
  addSetupCommand(program);
  return program;
}

/** Runs a command line, without the two words that Node puts before it. What ends it is told on stderr and by `process.exitCode`. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
      return;
    }
    console.error(describeFailure(error));
    process.exitCode = exitCodeOf(error);
  }
}
