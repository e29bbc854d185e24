/** A run whose pictures nobody has listed, for as many as one likes: what a real one puts into Redis, by the same calls. */
import { internal } from '../../ours.mjs';

const FLUSH = 16;

export class SyntheticRun {
  #shards = 0;

  constructor(fleet, { shardSize, state }) {
    const { RunRecords } = internal('fleet/runs/records');
    const { openRunQueue } = internal('fleet/runs/queue');
    const { newRunId, PACKAGE_VERSION } = internal('fleet/runs/spec');
    const { SubmissionLife } = internal('fleet/runs/submission-life');
    this.shardSize = shardSize;
    this.id = newRunId();
    this.fleet = fleet;
    this.records = new RunRecords(fleet);
    // It is submitted until it is closed.
    this.life = new SubmissionLife(fleet, this.id);
    this.queue = openRunQueue(fleet, this.id);
    this.spec = {
      id: this.id,
      version: PACKAGE_VERSION,
      createdAt: Date.now(),
      title: 'simulated',
      tenant: 'default',
      priority: 10,
      shardSize,
      config: {},
      task: { kind: 'interrogate', modes: ['fast'] },
      out: [`${state}/out.jsonl`],
      state,
    };
  }

  async create() {
    await this.life.begin();
    await this.records.create(this.spec);
  }

  get shards() {
    return this.#shards;
  }

  /** As submitRun() adds them. */
  async add(count) {
    for (let left = count; left > 0; left -= FLUSH) await this.#flush(Math.min(FLUSH, left));
  }

  async #flush(count) {
    const { addShards } = internal('fleet/runs/queue');
    const readyAt = Date.now();
    const shards = Array.from({ length: count }, () => ({ ...this.#shard(this.#shards++), readyAt }));
    await this.records.addShards(this.id, String(shards[0].shard), { shards: count, pictures: count * this.shardSize, files: 0 });
    await addShards(this.queue, shards);
  }

  /** Names as long as they often are: a folder of a thousand pictures each, below a root. */
  #shard(shard) {
    const { ShardWriter } = internal('fleet/runs/shard-data');
    const root = Buffer.from('/data/pictures');
    const writer = new ShardWriter(shard);
    for (let i = 0; i < this.shardSize; i += 1) {
      const place = shard * this.shardSize + i;
      const name = `part-${String(Math.floor(place / 1000)).padStart(5, '0')}/picture-${String(place).padStart(9, '0')}.jpg`;
      writer.add({ kind: 'file', name, file: Buffer.from(`/data/pictures/${name}`), root });
    }
    return writer.data;
  }

  /** Attempts at shards that came to no end, of shards that are done by now. */
  async lost() {
    return (await this.records.read(this.id)).lost;
  }

  async close() {
    await this.life.end();
    await this.queue.close();
  }
}
