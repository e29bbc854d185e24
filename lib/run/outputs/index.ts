/** What runs write. */
export { Embedding } from './embed-xmp';
export { type RowKind, type RowRecord, rowToObject } from './record';
export { type SidecarMarks, type SidecarOptions, Sidecars } from './sidecars';
export { checkPlace, checkTable, checkTableName, openTable, PictureFault, type Table } from './tables';
export { writeWhole } from './whole-file';
