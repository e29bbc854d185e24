/**
 * npm run bench:serve-peer: image embeddings a second of the server and of infinity-emb, another server of CLIP models, on the same
 * weights of ViT-B-32, the same pictures and the same number of threads, in turn, in one run, over loopback.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import { markdownTable } from 'markdown-table';
import { peerServerPrograms } from '../../scripts/peer-server-python.mjs';
import { main, title } from '../../scripts/step.mjs';
import { classTokenVisionFlops } from '../arithmetic.mjs';
import { absolute, wholeNumber } from '../options.mjs';
import { prepareTransformersClip } from '../prepare.mjs';
import { writeRows } from '../rows.mjs';
import { median } from '../sampling.mjs';
import { openSession } from '../session.mjs';
import { closedLoop } from '../traffic.mjs';
import { disagreement } from './embedding-agreement.mjs';
import { embeddingsBody, InfinityServer } from './infinity.mjs';
import { Served } from './served.mjs';

/** OpenAI's architecture. */
const MODEL = 'ViT-B-32-quickgelu';
const SIZES = { imageSize: 224, patchSize: 32, layers: 12, width: 768, mlpWidth: 3072, embedDim: 512 };
const CALLERS = 32;
const WARM_UP = 8;

await main(async () => {
  const options = new Command('npm run bench:serve-peer --')
    .description('Image embeddings a second beside infinity-emb.')
    .option('--samples <n>', 'of each side, in turn', wholeNumber(1), 3)
    .option('--seconds <n>', 'of each sample', wholeNumber(1), 15)
    .option('--threads <n>', 'CPU threads of both sides (default: what torch takes)', wholeNumber(1))
    .addOption(new Option('--image-precision <type>', 'of our image tower').choices(['float32', 'bfloat16']).default('float32'))
    .option('--json <file>', 'write the rows as JSON', absolute)
    .parse()
    .opts();
  const { peer, prepared, options: settled, machine } = await openSession({ ...options, model: MODEL, caption: 'none', device: 'cpu' });
  const servers = [];
  try {
    const folder = await prepareTransformersClip(peer, prepared.clip);
    const { python, threads, imagePrecision } = settled;
    const infinity = await InfinityServer.start({ programs: await peerServerPrograms(python), folder, threads });
    servers.push(infinity);
    const served = await Served.start(flagsFor(prepared.clip, { threads, imagePrecision }));
    servers.push(served);
    const pictures = prepared.images.map((file) => readFileSync(file));
    const sides = sidesOf(served, path.basename(prepared.clip.bundle), infinity);
    const agreement = await agreementOf(sides, pictures);
    const taken = await measure(sides, pictures, { ...options, machineRates: () => peer.call('machine_rates', { device: 'cpu' }) });
    const shared = { device: 'cpu', peer: await infinity.describe(), machine };
    const rows = rowsOf(taken, agreement).map((row) => ({ ...row, ...shared }));
    console.log(`\n${machine}\n${shared.peer}\n`);
    print(rows);
    writeRows(options.json, rows);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await peer.stop();
  }
});

function flagsFor({ bundle }, { threads, imagePrecision }) {
  return [
    ...['--clip', bundle, '--caption', 'none', '--device', 'cpu', '--threads', String(threads)],
    ...['--image-precision', imagePrecision, '--cache', '0'],
  ];
}

/** Each resolves with the features of one picture, a file's bytes. */
function sidesOf(served, model, infinity) {
  const ours = async (route, request) => {
    const { status, body } = await served.ask(route, request);
    if (status !== 200) throw new Error(`${route} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  };
  return {
    embeddings: (bytes) => ours('/v1/embeddings', { body: embeddingsBody(model, bytes) }).then(({ data }) => data[0].embedding),
    features: (bytes) => ours('/v1/features', { body: bytes, type: 'image/jpeg' }).then(({ features }) => features[0]),
    peer: (bytes) => infinity.embed(bytes),
  };
}

/** The least cosine of each of our routes with the peer. Throws where they do not mean the same. */
async function agreementOf(sides, pictures) {
  title('Comparing the embeddings');
  const answers = {};
  for (const [side, embed] of Object.entries(sides)) answers[side] = await Promise.all(pictures.map(embed));
  const { peer, ...ours } = answers;
  return Object.fromEntries(
    Object.entries(ours).map(([side, vectors]) => {
      const { least, fault } = disagreement(vectors, peer);
      if (fault) throw new Error(`${side}: ${fault}`);
      return [side, least];
    }),
  );
}

async function measure(sides, pictures, { samples, seconds, machineRates }) {
  let sent = 0;
  // No request has bytes that another had, so that no cache can know them: what stands behind the end of a JPEG is not looked at.
  const next = () => Buffer.concat([pictures[sent % pictures.length], Buffer.from(String(sent++))]);
  const rate = async (side, duration) => {
    const result = await closedLoop(() => sides[side](next()), { callers: CALLERS, seconds: duration });
    if (result.failed + result.refused > 0) throw new Error(`${side}: ${result.first_failure ?? 'requests were refused'}`);
    return result.calls_per_s;
  };
  for (const side of Object.keys(sides)) await rate(side, WARM_UP);
  const taken = { flops: [], ...Object.fromEntries(Object.keys(sides).map((side) => [side, []])) };
  await machineRates();
  for (let sample = 1; sample <= samples; sample += 1) {
    title(`rates, ${sample} of ${samples}`);
    for (const side of Object.keys(sides)) {
      taken.flops.push((await machineRates()).flops);
      taken[side].push(await rate(side, seconds));
    }
  }
  return taken;
}

/** A row for each of our routes. `limit_per_s`: what the machine's own matrix product in float32 would allow. */
function rowsOf({ flops, peer, ...ours }, agreement) {
  return Object.entries(ours).map(([route, rates]) => ({
    name: 'image-embeddings',
    route: `/v1/${route}`,
    callers: CALLERS,
    ours_per_s: median(rates),
    peer_per_s: median(peer),
    ratio: median(rates) / median(peer),
    limit_per_s: median(flops) / classTokenVisionFlops(SIZES),
    least_cosine: agreement[route],
    samples: rates.length,
    gflops: median(flops) / 1e9,
    ours_samples_per_s: rates,
    peer_samples_per_s: peer,
  }));
}

function print(rows) {
  const header = ['our route', 'ours, 1/s', 'peer, 1/s', 'ratio', 'limit in float32, 1/s', 'least cosine', 'samples'];
  const body = rows.map((row) => [
    row.route,
    ...[row.ours_per_s, row.peer_per_s].map((value) => value.toFixed(1)),
    `${row.ratio.toFixed(2)}×`,
    row.limit_per_s.toFixed(1),
    row.least_cosine.toFixed(6),
    String(row.samples),
  ]);
  console.log(markdownTable([header, ...body], { align: ['l', 'r', 'r', 'r', 'r', 'r', 'r'] }));
}
