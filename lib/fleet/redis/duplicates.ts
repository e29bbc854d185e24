/** Connections that BullMQ makes of ours: while Redis is away it does not end them, and they would keep a process from ending. */
import type { Redis } from 'ioredis';

/** All that is made of `connection` from now on. Each is to be ended when its worker is closed. */
export function duplicatesOf(connection: Redis): readonly Redis[] {
  const made: Redis[] = [];
  const duplicate = connection.duplicate.bind(connection);
  connection.duplicate = (...options) => {
    const another = duplicate(...options);
    made.push(another);
    return another;
  };
  return made;
}
