/** The server as a library: `require('torch-interrogator/server')`. */

export { createServer } from './create-server';
export type { ServerOptions } from './options';
export { interrogatorPlugin } from './plugin';
