/** The thread that writes parquet from its source. */
require('./uncompiled.cjs');
require('../../lib/run/outputs/tables/parquet/parquet-write-worker.ts');
