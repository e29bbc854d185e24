/** torch-interrogator serve [FOLDER]: the server and its page. */
import { type Command, Option } from 'commander';
import type { ServerOptions } from '../../server';
import { serverOptions } from '../serve/options';

export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .description('answer over HTTP, for programs and for people: a server with a page')
    .argument('[folder]', 'a folder of pictures, which the page shows and captions')
    .addOption(new Option('--host <name>', 'where to listen; 0.0.0.0 lets other machines in').default('127.0.0.1').env('TI_HOST'))
    .addOption(new Option('--port <n>', 'where to listen; 0 takes a free one').default('7860').env('TI_PORT'));
  const toSettings = serverOptions(command);
  command.action(async (folder: string | undefined, given: Record<string, unknown>) => {
    const { host, port } = given as { host: string; port: string };
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) command.error(`error: --port ${port}: expected a number from 0 to 65535.`);
    // Loaded here: the other commands need no server.
    const { serve } = require('../serve/serve') as typeof import('../serve/serve');
    const options: ServerOptions = { ...toSettings(given), host, ...(folder !== undefined && { folder }) };
    await serve(options, Number(port));
  });
}
