/** Which models and which mode a chat asks for. */
import { MODES, type Mode } from '../../../index';
import { Refusal } from '../../answers/refusal';
import type { Service } from '../../service';

export interface ChatModel {
  clip: string;
  /** undefined: the server's. */
  captioner: string | undefined;
  mode: Mode;
}

/**
 * `ViT-L-14/openai#fast` is a CLIP model and a mode. A caption model's name is its caption. The last of the texts that is a mode's name
 * (`fast`, `Mode: negative.`) goes before the model's. Throws 404.
 */
export function chatModel(service: Service, given: string | undefined, texts: readonly string[]): ChatModel {
  const [, name = '', suffix] = /^(.*?)(?:#(.*))?$/s.exec(given ?? '') ?? [];
  const named = suffix === undefined ? undefined : modeIn(suffix);
  if (suffix !== undefined && named === undefined) {
    throw new Refusal(404, 'ERR_MODEL_UNKNOWN', `There is no mode ${suffix.slice(0, 100)}.`, { hint: `Ask for ${MODES.join(', ')}.` });
  }
  const said = texts.flatMap((text) => modeIn(text) ?? []).at(-1);
  const captioner = captionerOf(service, name);
  const mode = said ?? named ?? (captioner === undefined ? 'best' : 'caption');
  return { clip: service.clip(name === '' || captioner !== undefined ? undefined : name), captioner, mode };
}

function modeIn(text: string): Mode | undefined {
  const [, word] = /^\W*(?:mode\W+)?([a-z]+)\W*$/i.exec(text.slice(0, 100)) ?? [];
  return MODES.find((mode) => mode === word?.toLowerCase());
}

/** A name that is a caption model's alone: lists of models have both kinds. */
function captionerOf({ parts }: Service, name: string): string | undefined {
  return parts.names.has('caption', name) && !parts.names.has('clip', name) ? name : undefined;
}
