/** Pillow's own bound against decompression bombs: twice 256 MiB / 3. */
export const MAX_PIXELS = 178_956_970;

/** A colour as '#rgb' or '#rrggbb'. */
export const COLOR = '^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$';
