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

// This process is nobody else's: what the C library keeps of freed memory would grow for hours. Read when the addon is loaded.
process.env.TORCH_INTERROGATOR_MALLOC_TRIM ??= '1';
printWarnings();
void run(process.argv.slice(2));
