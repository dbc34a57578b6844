/** What is for sale tonight. The page draws the pictures by `id`. */
export interface Lot {
  readonly id: string;
  readonly number: number;
  readonly title: string;
  readonly artist: string;
  readonly about: string;
  /** Whole dollars, as all amounts. */
  readonly startsAt: number;
  readonly estimate: readonly [low: number, high: number];
}

export const LOTS: readonly Lot[] = [
  {
    id: "tide",
    number: 41,
    title: "Tide at Dusk",
    artist: "M. Okonjo",
    about: "Screen print in nine colours, 2021. Signed, number 3 of 40.",
    startsAt: 400,
    estimate: [900, 1_400],
  },
  {
    id: "lamp",
    number: 42,
    title: "Lamp, Left On",
    artist: "Ilse Brandt",
    about: "Gouache on board, 1968. From the estate of the artist.",
    startsAt: 1_200,
    estimate: [2_000, 3_000],
  },
  {
    id: "orchard",
    number: 43,
    title: "Orchard, Moving",
    artist: "Teodor Vale",
    about: "Oil on linen, 1994. Shown once, in Lisbon.",
    startsAt: 100,
    estimate: [300, 500],
  },
];

/** The lot with this id; any other name is an auction of the last lot of the evening. */
export function lotOf(id: string | undefined): Lot {
  const lot = LOTS.find((each) => each.id === id) ?? LOTS.at(-1);
  if (!lot) throw new Error("there is nothing to sell");
  return lot;
}
