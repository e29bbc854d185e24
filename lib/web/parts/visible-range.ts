/** Which of many equal rows (or columns) are on the screen: only those are drawn. */

import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';

export interface View {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Before the first look: as narrow as any screen, so that nothing sticks out of it. */
const UNSEEN: View = { left: 0, top: 0, width: 300, height: 600 };

/** Where an element is scrolled to, and its size. */
export function useView(scroller: RefObject<HTMLElement | null>): View {
  const [view, setView] = useState<View>(UNSEEN);
  useLayoutEffect(() => {
    const element = scroller.current!;
    const look = () =>
      setView({ left: element.scrollLeft, top: element.scrollTop, width: element.clientWidth, height: element.clientHeight });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  return view;
}

/** What of an element is on the screen where the whole page scrolls. */
export function usePageView(place: RefObject<HTMLElement | null>): View {
  const [view, setView] = useState<View>(UNSEEN);
  useLayoutEffect(() => {
    const element = place.current!;
    const look = () => {
      const { top, width } = element.getBoundingClientRect();
      setView({ left: 0, top: Math.max(0, -top), width, height: innerHeight });
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      removeEventListener('scroll', look);
    };
  }, []);
  return view;
}

/** The places from `first` up to `end` that lie in `length` pixels from `start`, and a few around them. */
export function visibleRange(
  start: number,
  length: number,
  { size, count }: { size: number; count: number },
): { first: number; end: number } {
  const around = 3;
  const first = Math.min(count, Math.max(0, Math.floor(start / size) - around));
  return { first, end: Math.min(count, Math.ceil((start + length) / size) + around) };
}
