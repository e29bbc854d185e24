/** What was made of the pictures that were seen lately, and their bytes, within a bound. */
import type { PictureBytes, SentPicture } from './picture';

interface Known {
  /** By the CLIP model's name. */
  features: Map<string, Float32Array>;
  /** By the caption model's name and its settings. */
  captions: Map<string, string>;
  size: { width: number; height: number; truncated?: true } | undefined;
}

/** A map's entry and the id. */
const OVERHEAD = 500;

export interface CacheCounts {
  pictures: number;
  bytes: number;
  hits: number;
  misses: number;
}

/**
 * Another mode, or another table, for the same picture needs no second encode. The files themselves go first where it becomes too much,
 * from the one that was used least lately; then the rest, too.
 */
export class PictureCache {
  /** From the one that was used least lately. */
  private readonly pictures = new Map<string, Known>();
  private readonly files = new Map<string, { bytes: PictureBytes; release(): void }>();
  private bytes = 0;
  private hits = 0;
  private misses = 0;

  /** `most`: bytes. */
  constructor(private readonly most: number) {}

  get counts(): CacheCounts {
    return { pictures: this.pictures.size, bytes: this.bytes, hits: this.hits, misses: this.misses };
  }

  /** The picture by its id. */
  find(id: string): SentPicture | undefined {
    return this.use(id) && { id, bytes: this.files.get(id)?.bytes };
  }

  keep({ id, bytes }: SentPicture): void {
    if (!this.use(id)) this.add(id);
    const release = bytes && !this.files.has(id) && bytes.length <= this.most ? bytes.hold() : undefined;
    if (bytes && release) {
      this.files.set(id, { bytes, release });
      this.bytes += bytes.length;
    }
    this.shrink();
  }

  features(id: string, clip: string): Float32Array | undefined {
    return this.count(this.use(id)?.features.get(clip));
  }

  caption(id: string, key: string): string | undefined {
    return this.count(this.use(id)?.captions.get(key));
  }

  size(id: string): Known['size'] {
    return this.pictures.get(id)?.size;
  }

  keepFeatures(id: string, clip: string, features: Float32Array): void {
    const known = this.use(id) ?? this.add(id);
    if (!known.features.has(clip)) this.bytes += features.byteLength;
    known.features.set(clip, features);
    this.shrink();
  }

  keepCaption(id: string, key: string, caption: string): void {
    const known = this.use(id) ?? this.add(id);
    if (!known.captions.has(key)) this.bytes += 2 * (caption.length + key.length);
    known.captions.set(key, caption);
    this.shrink();
  }

  keepSize(id: string, size: NonNullable<Known['size']>): void {
    (this.use(id) ?? this.add(id)).size = size;
  }

  forget(id: string): void {
    const known = this.pictures.get(id);
    if (known) this.bytes -= sizeOf(known);
    this.pictures.delete(id);
    const file = this.files.get(id);
    if (!file) return;
    this.bytes -= file.bytes.length;
    this.files.delete(id);
    file.release();
  }

  private count<T>(found: T | undefined): T | undefined {
    if (found === undefined) this.misses += 1;
    else this.hits += 1;
    return found;
  }

  private use(id: string): Known | undefined {
    const known = this.pictures.get(id);
    if (!known) return undefined;
    this.pictures.delete(id);
    this.pictures.set(id, known);
    const file = this.files.get(id);
    if (file && this.files.delete(id)) this.files.set(id, file);
    return known;
  }

  private add(id: string): Known {
    const known: Known = { features: new Map(), captions: new Map(), size: undefined };
    this.pictures.set(id, known);
    this.bytes += OVERHEAD;
    return known;
  }

  private shrink(): void {
    if (this.bytes <= this.most) return;
    for (const [id, file] of this.files) {
      if (this.bytes <= this.most) return;
      this.bytes -= file.bytes.length;
      this.files.delete(id);
      file.release();
    }
    for (const [id, known] of this.pictures) {
      if (this.bytes <= this.most) return;
      this.bytes -= sizeOf(known);
      this.pictures.delete(id);
    }
  }
}

function sizeOf({ features, captions }: Known): number {
  let size = OVERHEAD;
  for (const each of features.values()) size += each.byteLength;
  for (const [key, caption] of captions) size += 2 * (caption.length + key.length);
  return size;
}
