// The stand-in hub as a process: node hub-process.cjs FOLDER [OPTIONS as JSON] [PORT]. Prints its address, for HF_ENDPOINT, and serves until
// it is ended. A line of JSON on its standard input is a fault to make; any other asks for a line with what was asked and sent so far.
require('./uncompiled.cjs');
const { createInterface } = require('node:readline');
const { StandInHub } = require('./hub.ts');

const [root, options = '{}', port = '0'] = process.argv.slice(2);

StandInHub.start(root, JSON.parse(options), Number(port)).then((hub) => {
  process.stdout.write(`${hub.endpoint}\n`);
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (line.startsWith('{')) hub.faults.push(JSON.parse(line));
    else process.stdout.write(`${JSON.stringify({ requests: hub.requests, sent: hub.sent, bytesSent: hub.bytesSent })}\n`);
  });
});
