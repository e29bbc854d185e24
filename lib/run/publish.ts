/** What a run writes of its rows: tables, sidecars, embedded texts, the report. */
import { createHash } from 'node:crypto';
import { toInterrogatorError } from '../errors';
import type { Ledger } from './ledger/ledger';
import type { PictureLine } from './ledger/line';
import type { RunOptions } from './options';
import { closeEmbedding, embedXmp, openTable, Sidecars, type Table } from './outputs';
import type { Picture } from './picture';
import type { RunSummary } from './progress';
import { Report } from './report';
import type { Row, RowError } from './row';
