/** Work on many items, so many of them at a time. */

export async function atOnce(count, items, work) {
  const left = items.values();
  const some = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: count }, some));
}
