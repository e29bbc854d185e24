/** Standard input is read by one argument or option at most. */
import { runHere } from './command';

const PICTURE = ['the picture -', ['-']] as const;
const FROM = ['--from -', ['--from', '-']] as const;
const LABELS = ['--labels -', ['--labels', '-']] as const;
const TEXTS = ['--text-file -', ['--text-file', '-']] as const;
const IMAGE = ['the picture -', ['--image', '-']] as const;

const READERS: Record<string, readonly (readonly [string, readonly string[]])[]> = {
  interrogate: [PICTURE, FROM],
  rank: [PICTURE, FROM, LABELS],
  features: [PICTURE, IMAGE, FROM, TEXTS],
};
/** All pairs; of what may be given again, a pair with itself too. */
const PAIRS = Object.entries(READERS).flatMap(([command, readers]) =>
  readers.flatMap((first, place) =>
    readers.slice(place + (first === LABELS || first === TEXTS ? 1 : 0)).map((second) => ({
      command,
      names: `${first[0]} and ${second[0]}`,
      options: [...first[1], ...second[1]],
      needsLabels: command === 'rank' && first !== LABELS && second !== LABELS,
    })),
  ),
);

test.each(PAIRS)('$command: $names are wrong usage, which names both', async ({ command, names, options, needsLabels }) => {
  const { code, stdout, stderr } = await runHere([command, ...options, ...(needsLabels ? ['--labels', __filename] : [])]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`error: ${names} both read standard input`);
});
