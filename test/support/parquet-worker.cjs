/** The thread that reads parquet from its source. */
require('./uncompiled.cjs');
require('../../lib/run/inputs/parquet/parquet-worker.ts');
