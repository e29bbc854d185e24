/** A horizontal bar: how large a value is among its neighbours. The number stands beside it, so that it says nothing to a screen reader. */

export interface BarProps {
  /** 0 … 1. */
  share: number;
  tone?: 'accent' | 'quiet' | 'bad';
}

export function Bar({ share, tone = 'accent' }: BarProps) {
  return (
    <span class={`bar ${tone}`} aria-hidden="true">
      <span style={{ transform: `scaleX(${Math.min(1, Math.max(0, share))})` }} />
    </span>
  );
}

/** Where a value is between two others. */
export function shareOf(value: number, { least, most }: { least: number; most: number }): number {
  return most > least ? (value - least) / (most - least) : value >= most && value > 0 ? 1 : 0;
}
