/** The decode worker from its source. */
require('./uncompiled.cjs');
require('../../lib/image/decoders/decode-worker.ts');
