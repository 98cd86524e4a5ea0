import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Limits } from './limits.ts';

/** Milliseconds that a refused connection stays, so that its client can read why. */
const LINGER = 1000;

/** The connections of a server with what each was asked and hasn't been answered; nobody holds one longer than the limits say. */
export class Connections {
  readonly #limits: Pick<Limits, 'pipelined' | 'answerSeconds'>;
  readonly #open = new Map<Socket, Set<ServerResponse>>();
  #closing = false;

  constructor(limits: Pick<Limits, 'pipelined' | 'answerSeconds'>) {
    this.#limits = limits;
  }

  /** Watches over a connection from now on. */
  add(socket: Socket): void {
    this.#open.set(socket, new Set());
    socket.once('close', () => this.#open.delete(socket));
  }

  /** Whether a request is to be answered; the connection of one that isn't is closed. */
  take({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const unanswered = this.#open.get(socket);
    // Node's parser goes on with the bytes it has when their connection was refused.
    if (unanswered === undefined || !socket.writable) return false;
    if (unanswered.size >= this.#limits.pipelined) {
      socket.destroy();
      return false;
    }
    unanswered.add(response);
    if (this.#closing) response.setHeader('connection', 'close');
    response.once('close', () => {
      unanswered.delete(response);
      if (this.#closing && unanswered.size === 0) socket.destroySoon();
    });
    // Emitted when the whole answer is with the socket, in its turn; `finish` follows when the client's side has taken it.
    response.once('prefinish', () => {
      if (response.destroyed) return;
      const patience = setTimeout(() => socket.destroy(), this.#limits.answerSeconds * 1000);
      response.once('close', () => clearTimeout(patience));
    });
    return true;
  }

  /** Ends a connection with an answer, and doesn't wait long for the client to end it, too. */
  refuse(socket: Socket, answer: string): void {
    socket.end(answer);
    const patience = setTimeout(() => socket.destroy(), LINGER);
    socket.once('close', () => clearTimeout(patience));
  }

  /** Closes a connection that was silent for long, unless it waits for its answer. */
  closeUnlessAsked(socket: Socket): void {
    if ((this.#open.get(socket)?.size ?? 0) === 0) socket.destroy();
  }

  /** Closes the connections that ask nothing, and each of the others when it is answered. */
  closeWhenAnswered(): void {
    this.#closing = true;
    for (const [socket, unanswered] of this.#open) {
      // Node closes those between two requests, but takes one that was never written to for the start of a request.
      if (socket.bytesRead === 0) socket.destroy();
      for (const response of unanswered) if (!response.headersSent) response.setHeader('connection', 'close');
    }
  }

  /** Closes connections unless a request that has arrived as a whole is worked on. */
  closeUnlessWorkedOn(): void {
    for (const [socket, unanswered] of this.#open) {
      if (![...unanswered].some(({ req, writableEnded }) => req.complete && !writableEnded)) socket.destroy();
    }
  }

  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}
