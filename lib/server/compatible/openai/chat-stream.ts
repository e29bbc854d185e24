/** A chat's answer as it comes to be: the caption first, then the terms of the chain, each once it is sure to stay. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Mode, ProgressEvent } from '../../../index';
import { EventStream } from '../../answers/event-stream';
import { toRefusal } from '../../answers/to-refusal';
import type { Service } from '../../service';
import { describePicture } from '../describe-picture';
import type { ChatModel } from './chat-model';
import { openAiError } from './errors';

export interface StreamedChat extends ChatModel {
  image: string;
  /** What every chunk has. */
  head: { id: string; created: number; model: string };
  /** The last chunk says how many tokens there were. */
  withUsage: boolean;
}

/**
 * Best mode answers with what is most similar of caption, classic, fast and the chain's prompt. The first three take little time: once they
 * are known, what the chain has found is the beginning of the answer as soon as it is more similar than they are.
 */
const MADE_BEFORE: Record<Mode, readonly Mode[]> = {
  best: ['caption', 'classic', 'fast'],
  classic: ['caption'],
  fast: ['caption'],
  caption: [],
  negative: [],
};
/** A similarity may differ by so much with what is encoded beside its text. */
const SURELY = 1e-3;

/** What fails before the first word has its own status; what fails later is an event, as OpenAI's clients read it. */
export async function streamChat(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  { mode, image, head, withUsage, ...models }: StreamedChat,
): Promise<FastifyReply> {
  let stream: EventStream | undefined;
  let sent = '';
  let toBeat = -Infinity;
  const send = (delta: { role?: 'assistant'; content?: string }, rest: object = {}): void => {
    const choice = { index: 0, delta, logprobs: null, finish_reason: null, ...rest };
    stream?.send({ ...head, object: 'chat.completion.chunk', choices: [choice], ...(withUsage && { usage: null }) });
  };
  const extend = (prompt: string): void => {
    if (!stream) {
      stream = EventStream.open(reply);
      send({ role: 'assistant', content: '' });
    }
    if (prompt.length <= sent.length || !prompt.startsWith(sent)) return;
    send({ content: prompt.slice(sent.length) });
    sent = prompt;
  };
  using caller = service.caller(request, reply, ({ stage, prompt, similarity = 1 }: ProgressEvent) => {
    if (stage === 'chain' && prompt !== undefined && similarity > toBeat + SURELY) extend(prompt);
  });
  try {
    const { descriptions } = await describePicture(service, request, caller, {
      ...models,
      image,
      modes: [...MADE_BEFORE[mode], mode],
      onDescription: (description) => {
        if (description.mode === 'caption') extend(description.prompt);
        if (description.mode !== mode) toBeat = Math.max(toBeat, description.similarity ?? 1);
      },
    });
    const { prompt, tokens } = descriptions.at(-1) as (typeof descriptions)[number];
    // A caption that does not fit the context is cut in the end.
    extend(prompt.startsWith(sent) ? prompt : `${sent}\n${prompt}`);
    send({}, { finish_reason: 'stop' });
    if (withUsage) stream?.send({ ...head, object: 'chat.completion.chunk', choices: [], usage: usageOf(tokens) });
    stream?.send('[DONE]');
    request.logResult?.({ prompt, tokens });
  } catch (error) {
    if (!stream) throw error;
    const refusal = toRefusal(error);
    request.failure = refusal.code;
    if (refusal.status >= 500) request.log.error({ err: error }, 'a stream failed');
    stream.send(openAiError(refusal));
  } finally {
    stream?.[Symbol.dispose]();
  }
  return reply;
}

/** A picture has no tokens, and the model reads no text but its own. */
export function usageOf(tokens: number) {
  return { prompt_tokens: 0, completion_tokens: tokens, total_tokens: tokens };
}
