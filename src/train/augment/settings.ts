import { z } from 'zod';

const probability = z.number().min(0).max(1);
const strength = z.number().min(0).max(1);

/** Random changes of training images; each image and step draws its own. */
export const augmentSchema = z.strictObject({
  flip: z.boolean().default(false).describe('mirror left and right with probability 1/2'),
  flipVertical: z.boolean().optional().describe('mirror top and bottom with probability 1/2'),
  turn: z.boolean().optional().describe('turn by 0, 90, 180 or 270 degrees'),
  crop: z
    .strictObject({
      scale: z
        .tuple([z.number().positive().max(1), z.number().positive().max(1)])
        .refine(([least, greatest]) => least <= greatest, 'the least share first')
        .describe('least and greatest share of the area'),
      ratio: z
        .number()
        .min(1)
        .default(4 / 3)
        .describe('greatest ratio of width to height, and of height to width'),
    })
    .optional()
    .describe('cut a random box and scale it to the full size'),
  rotate: z.number().min(0).max(45).optional().describe('greatest angle in degrees, to either side'),
  shear: z.number().min(0).max(45).optional().describe('greatest angle in degrees, to either side'),
  zoom: z
    .tuple([z.number().min(0.25).max(4), z.number().min(0.25).max(4)])
    .refine(([least, greatest]) => least <= greatest, 'the least magnification first')
    .optional()
    .describe('least and greatest magnification'),
  shift: z.number().min(0).max(1).optional().describe('greatest move, as a share of the side'),
  border: z
    .enum(['reflect', 'edge', 'black'])
    .optional()
    .describe('what lies outside of a turned, shifted or shrunk image (default: reflect)'),
  interpolation: z
    .enum(['bilinear', 'bicubic'])
    .optional()
    .describe(
      'how values between pixels are found where images are cropped, turned or moved; bicubic keeps them sharper (default: bilinear)',
    ),
  brightness: strength.optional().describe('all values times 1 ± this'),
  contrast: strength.optional().describe('distance from the mean gray times 1 ± this'),
  saturation: strength.optional().describe('distance from gray times 1 ± this'),
  hue: z.number().min(0).max(0.5).optional().describe('greatest turn of the hue, as a share of the full circle'),
  grayscale: probability.optional().describe('probability of no colour at all'),
  noise: strength.optional().describe('greatest standard deviation of normal noise, as a share of the full range'),
  blur: z
    .strictObject({
      probability: probability.default(0.5),
      sigma: z
        .tuple([z.number().positive().max(5), z.number().positive().max(5)])
        .refine(([least, greatest]) => least <= greatest, 'the least width first')
        .default([0.1, 2])
        .describe('least and greatest width of the bell in pixels'),
    })
    .optional()
    .describe('blur by a Gaussian bell'),
  erase: z
    .strictObject({
      probability: probability.default(0.5),
      scale: z
        .tuple([z.number().positive().max(1), z.number().positive().max(1)])
        .refine(([least, greatest]) => least <= greatest, 'the least share first')
        .default([0.02, 0.33])
        .describe('least and greatest share of the area'),
      ratio: z.number().min(1).default(3.3).describe('greatest ratio of the sides; 1 gives squares (cutout)'),
      fill: z.enum(['mean', 'black', 'noise']).default('mean').describe('what the box is filled with'),
    })
    .optional()
    .describe('cover a random box (random erasing, cutout)'),
  preset: z
    .discriminatedUnion('name', [
      z.strictObject({
        name: z.literal('randaugment'),
        count: z.int().min(1).max(4).default(2).describe('changes of each image'),
        magnitude: z.number().min(0).max(10).default(5).describe('their strength'),
      }),
      z.strictObject({ name: z.literal('trivialaugment') }),
    ])
    .optional()
    .describe('a policy that draws from a list of changes'),
  mixup: z
    .number()
    .positive()
    .max(10)
    .optional()
    .describe('blend pairs of images; alpha of the Beta distribution (not where features are computed once)'),
  cutmix: z
    .number()
    .positive()
    .max(10)
    .optional()
    .describe(
      'lay a box of one image into another; alpha of the Beta distribution (not where features are computed once)',
    ),
});

/** Augmentation of a recipe, with every setting filled in. */
export type AugmentSettings = z.output<typeof augmentSchema>;

/** Whether anything is changed at all. */
export const changesImages = ({
  border: _border,
  interpolation: _interpolation,
  ...changes
}: AugmentSettings): boolean => Object.values(changes).some((value) => value !== undefined && value !== false);

/** Whether images are mixed with others, each with the one beside it. */
export const mixesPairs = ({ mixup, cutmix }: Pick<AugmentSettings, 'mixup' | 'cutmix'>): boolean =>
  mixup !== undefined || cutmix !== undefined;
