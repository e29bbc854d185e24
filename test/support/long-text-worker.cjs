/** The thread for long texts from its source. */
require('./uncompiled.cjs');
require('../../lib/tokenizer/long-text-worker.ts');
