/** Wheels of the Python package index, as pip would fetch them, without Python. */
export type { Wheel } from './find-wheel';
export { type Installation, type InstallOptions, install } from './install';
