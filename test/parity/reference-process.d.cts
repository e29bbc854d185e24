export class ReferenceProcess {
  /** Starts `script`, a server as reference/server.py is one, in `cwd`. `echo`: what it says on stderr is shown too. */
  constructor(program: string, script: string, settings?: { echo?: boolean; cwd?: string });
  /** Rejects with what the process printed, where it fails or ends. */
  call<T>(name: string, args?: Record<string, unknown>): Promise<T>;
  /** Ends the process; resolves when it is gone. */
  stop(): Promise<void>;
}
