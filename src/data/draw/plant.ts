import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from '../../base/index.ts';
import { paintBloom, type Dress } from './bloom.ts';
import { jitter } from './chance.ts';
import { css, hex, randomTint, tinted } from './colour.ts';
import { paintBlades, paintStem, paintStemLeaves } from './foliage.ts';
import type { Place } from './place.ts';
import { facing, type Pose } from './pose.ts';
import type { Inflorescence, Species } from './species.ts';

/** How far views stray from the usual one: 1 is a good photographer, 2 anybody with a phone. */
export type Looseness = number;

/** Paints a stem with leaves and its bloom or blooms. */
export function paintPlant(
  ctx: SKRSContext2D,
  species: Species,
  place: Place,
  dress: Dress,
  looseness: Looseness,
  random: Random,
): void {
  const lean = jitter(random, 0.25 * looseness);
  const { leaves, stem } = species;
  const foot = {
    x: place.x - lean * (place.ground - place.y) * 0.6 + jitter(random, place.radius * 0.6),
    y: place.ground,
  };
  if (leaves.from === 'base') paintBlades(ctx, leaves, place, foot, dress, random);

  const blooms = arrange(species, place, lean, looseness, random);
  const neck = blooms[0].neck;
  paintStem(ctx, stem, place.radius, foot, neck, dress, random);
  if (leaves.from === 'stem') paintStemLeaves(ctx, leaves, place, foot, neck, dress, random);
  paintCore(ctx, species, place, dress);
  for (const { pose } of blooms) {
    if (species.inflorescence.kind === 'spray')
      paintStem(ctx, stem, pose.scale * 0.6, neck, { x: pose.x, y: pose.y }, dress, random);
    const tint = randomTint(random, 0.35);
    paintBloom(
      ctx,
      species,
      pose,
      { ...dress, tint: { ...dress.tint, lightness: dress.tint.lightness + tint.lightness } },
      random,
    );
  }
}

/** The body of a ball of blooms, dark between them. */
function paintCore(ctx: SKRSContext2D, { inflorescence }: Species, place: Place, dress: Dress): void {
  if (inflorescence.kind !== 'ball' || inflorescence.core === undefined) return;
  ctx.fillStyle = css(tinted(hex(inflorescence.core), dress.tint));
  ctx.beginPath();
  ctx.arc(place.x, place.y, place.radius * (1 - 0.7 * inflorescence.bloom), 0, 2 * Math.PI);
  ctx.fill();
}

interface Standing {
  readonly pose: Pose;
  /** Where the stem ends. */
  readonly neck: { readonly x: number; readonly y: number };
}

/** The poses of all blooms of a plant, far ones first. */
function arrange(species: Species, place: Place, lean: number, looseness: Looseness, random: Random): Standing[] {
  const { inflorescence } = species;
  const { x, y, radius } = place;
  switch (inflorescence.kind) {
    case 'single': {
      const pose = { x, y, scale: radius, ...usualView(species, lean, looseness, random) };
      return [{ pose, neck: neckOf(pose) }];
    }
    case 'spray':
      return spray(species, inflorescence, place, lean, looseness, random);
    case 'ball':
      return ball(species, inflorescence, place, random);
    case 'spike':
      return spike(species, inflorescence, place, lean, random);
    default:
      return inflorescence satisfies never;
  }
}

/** Just behind the middle of a bloom, where its stalk begins. */
function neckOf(pose: Pose): { x: number; y: number } {
  const back = 0.12 * pose.scale * Math.sin(pose.tilt);
  return { x: pose.x - back * Math.sin(pose.roll), y: pose.y + back * Math.cos(pose.roll) };
}

/** Tilt, roll and spin as people see this kind of bloom. */
function usualView(species: Species, lean: number, looseness: Looseness, random: Random) {
  const any = random.uniform(0, 2 * Math.PI);
  switch (species.view) {
    case 'face': {
      const tilt = Math.min(1.25, Math.abs(random.normal()) * 0.34 * looseness);
      return { tilt, roll: lean + jitter(random, 1.4), spin: any };
    }
    case 'side':
      return {
        tilt: 1.22 + jitter(random, 0.32 * looseness),
        roll: lean + jitter(random, 0.25 * looseness),
        spin: any,
      };
    case 'hanging': {
      const side = random.uniform() < 0.5 ? -1 : 1;
      return { tilt: 1.4 + jitter(random, 0.4 * looseness), roll: side * random.uniform(2.0, 3.1), spin: any };
    }
    case 'portrait': {
      const tilt = Math.min(1, Math.abs(random.normal()) * 0.3 * looseness);
      const roll = random.uniform(-1.2, 1.2);
      return { tilt, roll, spin: roll + jitter(random, 0.3 * looseness) };
    }
    default:
      return species.view satisfies never;
  }
}

function spray(
  species: Species,
  { count, bloom }: Extract<Inflorescence, { kind: 'spray' }>,
  place: Place,
  lean: number,
  looseness: Looseness,
  random: Random,
): Standing[] {
  const number = Math.max(2, Math.round(count * random.uniform(0.7, 1.3)));
  const turn = random.uniform(0, 6.28);
  const neck = { x: place.x - lean * place.radius, y: place.y + place.radius * 0.8 };
  return Array.from({ length: number }, (_, i) => {
    const out = Math.sqrt((i + 0.3) / number) * (1 - bloom) * place.radius * 1.15;
    const angle = turn + i * 2.4;
    const pose = {
      x: place.x + out * Math.cos(angle),
      y: place.y + 0.8 * out * Math.sin(angle),
      scale: bloom * place.radius * random.uniform(0.8, 1.1),
      ...usualView(species, lean + Math.cos(angle) * 0.4, looseness, random),
    };
    return { pose, neck };
  });
}

function ball(
  species: Species,
  { count, bloom, cap }: Extract<Inflorescence, { kind: 'ball' }>,
  place: Place,
  random: Random,
): Standing[] {
  const nod = random.uniform(0.1, 0.75);
  const core = (1 - bloom) * place.radius;
  const neck = { x: place.x, y: place.y + core * (cap > 0.7 ? 0.9 : 0.25) };
  const turn = random.uniform(0, 6.28);
  const standing: (Standing & { near: number })[] = [];
  for (let i = 0; i < count; i++) {
    // Evenly over the cap of a ball whose pole leans towards the camera by `nod`.
    const polar = Math.acos(1 - 2 * cap * ((i + 0.5) / count));
    const angle = turn + i * 2.39996;
    const px = Math.sin(polar) * Math.cos(angle);
    const pz = Math.sin(polar) * Math.sin(angle);
    const py = Math.cos(polar);
    const up = py * Math.cos(nod) - pz * Math.sin(nod);
    const near = py * Math.sin(nod) + pz * Math.cos(nod);
    if (near < -0.35) continue;
    const { tilt, roll } = facing(px, up, near);
    const pose = {
      x: place.x + px * core,
      y: place.y - (up - (1 - cap) * 0.6) * core,
      scale: bloom * place.radius * random.uniform(0.85, 1.12),
      tilt: Math.max(0, tilt * 0.85 + jitter(random, 0.2)),
      roll: roll + jitter(random, 0.2),
      spin: species.view === 'portrait' ? roll : random.uniform(0, 6.28),
    };
    standing.push({ pose, neck, near });
  }
  return standing.toSorted((a, b) => a.near - b.near);
}

function spike(
  species: Species,
  { count, bloom, length, nod }: Extract<Inflorescence, { kind: 'spike' }>,
  place: Place,
  lean: number,
  random: Random,
): Standing[] {
  const tall = 2 * length * place.radius;
  const top = place.y - place.radius * 0.95;
  const bend = jitter(random, 0.35);
  const droop = (nod * Math.PI) / 180;
  const standing: (Standing & { near: number })[] = [];
  for (let i = 0; i < count; i++) {
    const t = (i + 0.5) / count; // 0 at the top
    const around = i * 2.39996 + jitter(random, 0.3);
    const right = Math.sin(around);
    const near = Math.cos(around);
    const grown = 0.45 + 0.55 * Math.min(1, t * 1.9);
    const scale = bloom * place.radius * grown * random.uniform(0.9, 1.1);
    const axisX = place.x + (lean * 0.5 + bend * (0.5 - t) * 0.5) * (0.5 - t) * tall;
    // Young blooms at the top still point up.
    const down = droop - (1 - Math.min(1, t * 2)) * 0.9;
    const { tilt, roll } = facing(right * Math.cos(down), -Math.sin(down), near * Math.cos(down));
    const pose = {
      x: axisX + right * scale * 0.5,
      y: top + t * tall,
      scale,
      tilt: tilt * 0.92,
      roll,
      spin: species.view === 'portrait' ? roll : random.uniform(0, 6.28),
    };
    standing.push({ pose, neck: { x: axisX, y: top + scale * 0.5 }, near });
  }
  standing.sort((a, b) => a.near - b.near);
  const first = standing.reduce((highest, one) => (one.pose.y < highest.pose.y ? one : highest));
  return standing.map((one) => ({ ...one, neck: first.neck }));
}
