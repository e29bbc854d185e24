/** The thread that makes tokenizers from its source. */
require('./uncompiled.cjs');
require('../../lib/tokenizer/compile-worker.ts');
