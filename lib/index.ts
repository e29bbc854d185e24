/** torch-interrogator: the text prompt that would make an image like this one. */

export * from './api';
export * from './run';
