// A process to be killed in the middle of a download: node download-process.cjs URL FILE SHA256
require('./uncompiled.cjs');

const [url, file, sha256] = process.argv.slice(2);
require('../../lib/net/download.ts').download(url, file, { sha256 });
