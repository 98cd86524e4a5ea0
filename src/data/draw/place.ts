/** Where a flower head is and how large, in pixels; `radius` bounds the whole head, however many blooms it has. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** The lowest point of the picture that its stem may reach. */
  readonly ground: number;
}
