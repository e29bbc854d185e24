#!/usr/bin/env node
/** The command line. Exit codes: 0 ok, 1 some inputs failed, 2 usage, 130 interrupted. */
import { EXIT } from './failure';
import { run } from './program';
import { printWarnings } from './warnings';

// A reader that closes the pipe early (| head) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  console.error(`error: The output cannot be written: ${error.message} (ERR_IO)`);
  process.exit(EXIT.failed);
});

printWarnings();
void run(process.argv.slice(2));
