/** `count` phrases, in no order of their texts; the same ones each time. */
export function phrases(count: number): string[] {
  const colors = ['red', 'green', 'blue', 'cold', 'warm', 'tiny', 'quiet', 'broken', 'golden', 'wild'];
  const things = ['cat', 'sea', 'road', 'hat', 'tower', 'tree', 'hill', 'lamp', 'boat', 'star', 'river', 'house'];
  const scenes = ['at dawn', 'in the rain', 'by night', 'of glass', 'under snow', 'in a mirror', 'on fire'];
  return Array.from({ length: count }, (_, i) => {
    const n = (i * 7919) % count;
    return `${colors[n % 10]} ${things[n % 12]} ${scenes[n % 7]} ${n}`;
  });
}
