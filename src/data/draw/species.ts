/** Outlines that petals and leaves come in; `outline.ts` draws them. */
export type PetalShape =
  | 'strap'
  | 'lance'
  | 'spear'
  | 'oval'
  | 'round'
  | 'wide'
  | 'heart'
  | 'notched'
  | 'ruffled'
  | 'fringed'
  | 'toothed'
  | 'spoon'
  | 'needle'
  | 'tube'
  | 'spathe'
  | 'lip';

/** Colours of a petal from base to tip, as `#rrggbb`. */
export interface Paint {
  readonly main: string;
  /** At the tip, blending into `main`. */
  readonly tip?: string;
  /** At the base, blending into `main`. */
  readonly throat?: string;
  /** How far the throat colour reaches: 0 to 1 of the length. */
  readonly reach?: number;
  /** A line along the margin. */
  readonly edge?: string;
  /** Veins from base to tip. */
  readonly veins?: string;
  /** One broad stripe along the middle. */
  readonly stripe?: string;
  readonly spots?: string;
  /** Of the side away from the axis; a darker `main` where left out. */
  readonly back?: string;
}

/** A ring of petals, or several nested ones. */
export interface Row {
  readonly count: number;
  readonly shape: PetalShape;
  /** Of the bloom's radius. */
  readonly length: number;
  /** Largest width as a fraction of the length. */
  readonly width: number;
  /** Degrees above the plane of the bloom at the base, the middle and the tip; 90 is along the axis, below 0 bends back. */
  readonly rise: readonly [number, number, number];
  /** How far the sides curve in, as a fraction of the half width. */
  readonly cup: number;
  /** Where petals begin: distance from the axis. */
  readonly inset: number;
  /** Height along the axis where petals begin. */
  readonly lift: number;
  /** Nested rings, each smaller, steeper and turned against the one outside it. */
  readonly layers: number;
  /** Length of the innermost layer as a fraction of `length`. */
  readonly inner: number;
  /** Degrees round the axis of each petal instead of an even spread: 90 is up. */
  readonly angles?: readonly number[];
  /** Instead of the species' colourway. */
  readonly paint?: Paint;
}

/** What stands in the middle of a bloom. */
export type Centre =
  | {
      /** A dome of florets in the spirals of a sunflower. */
      readonly kind: 'disc';
      readonly radius: number;
      readonly height: number;
      readonly seeds: number;
      readonly inner: string;
      readonly outer: string;
    }
  | {
      readonly kind: 'stamens';
      readonly count: number;
      readonly length: number;
      /** Degrees above the plane of the bloom. */
      readonly rise: number;
      readonly filament: string;
      readonly anther: string;
      /** Radius of the ovary under the stamens; 0 for none. */
      readonly eye: number;
      readonly eyeColour: string;
    }
  | {
      /** A column along the axis, such as the spadix of an arum. */
      readonly kind: 'column';
      readonly length: number;
      readonly thickness: number;
      readonly colour: string;
      readonly tip: string;
      /** Where it begins and how far it leans, towards the top of an upright bloom. */
      readonly foot: number;
      readonly lean: number;
    }
  | { readonly kind: 'none' };

/** How blooms stand together on a stem. */
export type Inflorescence =
  | { readonly kind: 'single' }
  /** Along the upper part of an upright stem; `nod` is degrees below the horizontal. */
  | {
      readonly kind: 'spike';
      readonly count: number;
      readonly bloom: number;
      readonly length: number;
      readonly nod: number;
    }
  /** Over a ball, or the upper part of one: `cap` 1 is a whole ball, 0.5 a dome; `core` is seen between the blooms. */
  | {
      readonly kind: 'ball';
      readonly count: number;
      readonly bloom: number;
      readonly cap: number;
      readonly core?: string;
    }
  /** A loose handful on stalks of their own. */
  | { readonly kind: 'spray'; readonly count: number; readonly bloom: number };

export interface Leaves {
  readonly shape: PetalShape;
  /** Of the bloom's radius. */
  readonly length: number;
  readonly width: number;
  readonly count: number;
  readonly colour: string;
  /** `base`: blades from the ground; `stem`: along the stem. */
  readonly from: 'stem' | 'base';
}

/** Swollen part under the petals, such as a thistle's. */
export interface Receptacle {
  readonly radius: number;
  readonly length: number;
  readonly colour: string;
}

/** The way people meet a bloom: into its face, from the side, hanging, or upright like a portrait. */
export type View = 'face' | 'side' | 'hanging' | 'portrait';

/** Everything that makes a kind of flower look like itself. */
export interface Species {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly centre: Centre;
  /** A plant has one of these; the first is the commonest. */
  readonly colourways: readonly Paint[];
  readonly view: View;
  readonly inflorescence: Inflorescence;
  readonly leaves: Leaves;
  readonly receptacle?: Receptacle;
  readonly stem: { readonly colour: string; readonly thickness: number };
  /** Size in the picture against other species. */
  readonly scale: number;
}
