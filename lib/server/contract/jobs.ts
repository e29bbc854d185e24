/** `/v1/jobs`: long calls that are answered with 202 (`Prefer: respond-async`) and looked at later. */
import { type Static, Type } from '@sinclair/typebox';
import { oneOf, Problem } from './common';
import { ProgressData } from './interrogate';

export const Job = Type.Object(
  {
    id: Type.String(),
    kind: Type.String({ description: 'interrogate, caption, rank, table, pull.' }),
    state: oneOf(['running', 'done', 'failed', 'cancelled']),
    created: Type.String({ description: 'ISO 8601.' }),
    ended: Type.Optional(Type.String()),
    progress: Type.Optional(ProgressData),
    result: Type.Optional(Type.Unknown({ description: 'What the call would have answered; in state done.' })),
    error: Type.Optional(Type.Omit(Problem, [])),
  },
  { title: 'Job' },
);
export type Job = Static<typeof Job>;

export const JobList = Type.Object({ jobs: Type.Array(Job) }, { title: 'JobList' });
