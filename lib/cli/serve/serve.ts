/** One server from its start to its end. */
import { InterrogatorError } from '../../index';
import { createServer, type ServerOptions } from '../../server';
import { EXIT } from '../failure';
import { ignoreEchoes } from './echoes';
import { preferEventLoop } from './priority';

export async function serve(options: ServerOptions, port: number): Promise<void> {
  const { host = '127.0.0.1' } = options;
  const app = createServer({ ...options, logger: { level: 'info', stream: logLines() } });
  const closeWithGrace = require('close-with-grace') as typeof import('close-with-grace');
  const { interrogator } = app;
  // Finishing has its own limit; this one is for what it does not know of.
  const delay = (interrogator.settings.grace + 15) * 1000;
  const handle = closeWithGrace({ delay, logger: false }, async ({ signal, err }) => {
    ignoreEchoes();
    if (err) app.log.fatal({ err }, 'the server fails');
    else app.log.info({ signal }, 'ending: what was accepted is finished');
    await interrogator.drain(interrogator.settings.grace);
    await app.close();
    app.log.info('ended');
  });
  try {
    const address = await app.listen({ host, port }).catch((cause) => {
      throw listenFailure(cause, host, port);
    });
    console.error(`torch-interrogator is at ${address.replace('0.0.0.0', 'localhost')}`);
    await interrogator.started;
    preferEventLoop();
    const { hindrance } = interrogator;
    if (hindrance) app.log.warn({ hint: hindrance.hint }, hindrance.message);
    else app.log.info({ models: interrogator.parts.names.defaults }, 'ready');
  } catch (error) {
    handle.uninstall();
    await app.close();
    throw error;
  }
  process.exitCode = EXIT.ok;
}

/** On stdout. Whoever read the log may leave: pino's own stream would then try for ever to write its last line, and the server never end. */
function logLines(): { write(line: string): void } {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', () => {});
  return { write: (line) => void process.stdout.write(line) };
}

function listenFailure(cause: NodeJS.ErrnoException, host: string, port: number): InterrogatorError {
  const place = `${host}:${port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new InterrogatorError('ERR_IO', `Something else listens at ${place}.`, {
        hint: 'Take another --port; 0 takes a free one.',
        cause,
      });
    case 'EACCES':
      return new InterrogatorError('ERR_IO', `${place} is not allowed to this user.`, { hint: 'Take a --port from 1024 on.', cause });
    default:
      return new InterrogatorError('ERR_IO', `Cannot listen at ${place}: ${cause.message}.`, { hint: 'Check --host and --port.', cause });
  }
}
