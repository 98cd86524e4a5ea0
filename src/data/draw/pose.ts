/** Where a bloom is in the picture and how it is turned to the camera. Angles in radians. */
export interface Pose {
  /** Middle of the bloom in pixels; y goes down. */
  readonly x: number;
  readonly y: number;
  /** Pixels to one bloom radius. */
  readonly scale: number;
  /** Between the axis of the bloom and the line of sight: 0 looks into its face, π/2 sees it from the side. */
  readonly tilt: number;
  /** Which way the axis leans in the picture: 0 is up, clockwise. */
  readonly roll: number;
  /** Turn of the bloom about its own axis. */
  readonly spin: number;
}

/** A point in the picture; a larger depth is nearer to the camera. */
export interface Projected {
  x: number;
  y: number;
  depth: number;
}

/** Maps points of a bloom (z along its axis, radius 1) to the picture, without perspective. */
export class Projection {
  readonly pose: Pose;
  readonly #cosTilt: number;
  readonly #sinTilt: number;
  readonly #cosRoll: number;
  readonly #sinRoll: number;

  constructor(pose: Pose) {
    this.pose = pose;
    this.#cosTilt = Math.cos(pose.tilt);
    this.#sinTilt = Math.sin(pose.tilt);
    this.#cosRoll = Math.cos(pose.roll);
    this.#sinRoll = Math.sin(pose.roll);
  }

  project(x: number, y: number, z: number): Projected {
    const up = y * this.#cosTilt + z * this.#sinTilt;
    const { scale } = this.pose;
    return {
      x: this.pose.x + scale * (x * this.#cosRoll + up * this.#sinRoll),
      y: this.pose.y - scale * (up * this.#cosRoll - x * this.#sinRoll),
      depth: z * this.#cosTilt - y * this.#sinTilt,
    };
  }

  /** How long a unit along the axis looks, and a unit of a circle about it in that direction. */
  get foreshortening(): { axis: number; across: number } {
    return { axis: Math.abs(this.#sinTilt), across: Math.abs(this.#cosTilt) };
  }
}

/** The tilt and roll of an axis that points right, up and towards the camera by these amounts. */
export function facing(right: number, up: number, near: number): { tilt: number; roll: number } {
  return { tilt: Math.atan2(Math.hypot(right, up), near), roll: Math.atan2(right, up) };
}
