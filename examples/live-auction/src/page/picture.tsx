import { useId } from "react";

/** A lot's picture. Unknown lots have an empty canvas. */
export function Picture({ id }: { id: string }) {
  // Gradients are named in the whole document, and a picture may be in it twice.
  const own = useId();
  const Content = PICTURES[id];
  return (
    <svg className="picture" viewBox="0 0 400 480" role="img" aria-label="The picture">
      <rect width="400" height="480" fill="#e9e2d3" />
      {Content && <Content own={own} />}
    </svg>
  );
}

interface Own {
  readonly own: string;
}

const PICTURES: Readonly<Record<string, ((props: Own) => React.JSX.Element) | undefined>> = {
  tide: Tide,
  lamp: Lamp,
  orchard: Orchard,
};

const WAVES = [
  { y: 300, swell: 7, colour: "#e8785a" },
  { y: 322, swell: 9, colour: "#c4536a" },
  { y: 348, swell: 11, colour: "#8d3f73" },
  { y: 378, swell: 13, colour: "#5b3374" },
  { y: 412, swell: 15, colour: "#38296a" },
  { y: 448, swell: 16, colour: "#1f1d4d" },
];

function Tide({ own }: Own) {
  return (
    <>
      <defs>
        <linearGradient id={`${own}-sky`} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor="#2a2663" />
          <stop offset="0.35" stopColor="#8a4a86" />
          <stop offset="0.62" stopColor="#ef8a6b" />
          <stop offset="0.8" stopColor="#ffd79a" />
        </linearGradient>
        <linearGradient id={`${own}-sun`} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor="#fff3cf" />
          <stop offset="1" stopColor="#ff9d6c" />
        </linearGradient>
      </defs>
      <rect width="400" height="380" fill={`url(#${own}-sky)`} />
      <circle cx="236" cy="262" r="118" fill="#ffd9a0" opacity="0.18" />
      <circle cx="236" cy="262" r="84" fill={`url(#${own}-sun)`} />
      <path
        d="M0 232 Q60 222 118 231 T236 229 T400 224"
        stroke="#ffe6bd"
        strokeWidth="3"
        fill="none"
        opacity="0.5"
      />
      <path d="M0 176 Q90 160 190 172 T400 158" stroke="#ffc9a3" strokeWidth="9" fill="none" opacity="0.25" />
      <path d="M0 118 Q120 96 230 112 T400 92" stroke="#f5b3b0" strokeWidth="14" fill="none" opacity="0.16" />
      {WAVES.map((wave, index) => (
        <g key={wave.y}>
          <path d={swell(wave, index)} fill={wave.colour} />
          <path
            d={`M${196 + index * 7} ${wave.y + 11} h${96 - index * 11}`}
            stroke="#ffe2b0"
            strokeWidth="2.5"
            strokeLinecap="round"
            opacity={0.75 - index * 0.1}
          />
        </g>
      ))}
      <path
        d="M84 142 q9 -9 17 0 q9 -9 17 0 M128 118 q6 -6 12 0 q6 -6 12 0"
        stroke="#2a2663"
        strokeWidth="2.5"
        fill="none"
        strokeLinecap="round"
      />
    </>
  );
}

/** A wave from edge to edge, and everything below it. */
function swell({ y, swell }: { y: number; swell: number }, index: number): string {
  const shift = (index % 3) * 34;
  let path = `M${-shift} ${y}`;
  for (let x = -shift; x < 400; x += 100) path += ` q25 ${-swell} 50 0 t50 0`;
  return `${path} V480 H${-shift} Z`;
}

function Lamp({ own }: Own) {
  return (
    <>
      <defs>
        <linearGradient id={`${own}-wall`} x1="0" y1="0" x2="1" y2="1">
          <stop offset="0" stopColor="#0f3b3c" />
          <stop offset="1" stopColor="#0a2329" />
        </linearGradient>
        <linearGradient id={`${own}-light`} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor="#ffe9a8" stopOpacity="0.95" />
          <stop offset="1" stopColor="#ffd166" stopOpacity="0.08" />
        </linearGradient>
      </defs>
      <rect width="400" height="480" fill={`url(#${own}-wall)`} />
      <rect x="36" y="52" width="104" height="150" fill="#12284f" />
      <circle cx="103" cy="96" r="21" fill="#f3e6c0" />
      <circle cx="112" cy="90" r="19" fill="#12284f" />
      <path d="M88 52 V202 M36 127 H140" stroke="#d9c79a" strokeWidth="5" />
      <rect x="36" y="52" width="104" height="150" fill="none" stroke="#d9c79a" strokeWidth="7" />
      <path d="M206 176 L118 372 H372 L284 176 Z" fill={`url(#${own}-light)`} />
      <ellipse cx="245" cy="372" rx="127" ry="15" fill="#ffe9a8" opacity="0.55" />
      <path d="M245 0 V112" stroke="#06171a" strokeWidth="5" />
      <path d="M222 108 h46 l24 70 h-94 Z" fill="#e4572e" />
      <path d="M222 108 h18 l-14 70 h-28 Z" fill="#f28a5e" />
      <ellipse cx="245" cy="178" rx="47" ry="7" fill="#fff2c4" />
      <rect x="66" y="372" width="306" height="16" rx="3" fill="#7a4a2b" />
      <rect x="66" y="388" width="306" height="5" fill="#4d2d1a" />
      <path d="M92 393 V480 M346 393 V480" stroke="#4d2d1a" strokeWidth="13" />
      <path d="M196 372 v-38 q0 -7 7 -7 h30 q7 0 7 7 v38 Z" fill="#2d7d74" />
      <path d="M240 340 q17 0 17 12 t-17 12" fill="none" stroke="#2d7d74" strokeWidth="6" />
      <rect x="272" y="358" width="72" height="14" fill="#c9a24b" />
      <rect x="280" y="345" width="58" height="13" fill="#8f2d3b" />
      <path
        d="M208 314 q8 -10 0 -19 t2 -18 M224 314 q8 -10 0 -19 t2 -18"
        stroke="#fff6d8"
        strokeWidth="2.5"
        fill="none"
        opacity="0.5"
      />
      <path d="M0 480 V426 H54 V480 Z" fill="#071a1d" />
    </>
  );
}

const TREES = ["#3f6b3a", "#6f8f3c", "#b5a642", "#d98f3f", "#c65b46", "#e3a6a1"];

/** Four rows, fewer trees in those that are near. */
const ORCHARD = [0, 1, 2, 3].flatMap((row) =>
  [0, 1, 2, 3, 4].filter((column) => column < 5 - Math.floor(row / 2)).map((column) => ({ row, column })),
);

function Orchard({ own }: Own) {
  return (
    <>
      <defs>
        <linearGradient id={`${own}-air`} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor="#cfe3e6" />
          <stop offset="1" stopColor="#f5ead0" />
        </linearGradient>
      </defs>
      <rect width="400" height="480" fill={`url(#${own}-air)`} />
      <path d="M0 150 Q110 96 210 132 T400 104 V220 H0 Z" fill="#9db8a0" />
      <path d="M0 178 Q130 140 250 170 T400 150 V240 H0 Z" fill="#7fa07f" />
      {[0, 1, 2, 3, 4, 5, 6].map((row) => (
        <path
          key={row}
          d={`M-40 ${212 + row * 44} Q180 ${176 + row * 48} 440 ${202 + row * 44} V520 H-40 Z`}
          fill={row % 2 === 0 ? "#c9c27b" : "#aab765"}
        />
      ))}
      {ORCHARD.map(({ row, column }) => (
        <Tree key={`${row}/${column}`} row={row} column={column} />
      ))}
    </>
  );
}

/** A tree, and where it has just been. */
function Tree({ row, column }: { row: number; column: number }) {
  const size = 24 + row * 9;
  const x = 22 + column * (84 + row * 17) + (row % 2) * 34;
  const y = 206 + row * 70 - ((column * 13) % 17);
  const colour = TREES[(row * 2 + column * 3) % TREES.length];
  return (
    <g>
      <ellipse
        cx={x + size * 0.5}
        cy={y + size * 1.25}
        rx={size * 1.1}
        ry={size * 0.22}
        fill="#5d6b35"
        opacity="0.4"
      />
      <path d={`M${x} ${y + size * 0.5} V${y + size * 1.25}`} stroke="#5b4330" strokeWidth={size * 0.16} />
      {[3, 2, 1, 0].map((ago) => (
        <circle
          key={ago}
          cx={x + ago * size * 0.32}
          cy={y - ago * size * 0.05}
          r={size * (1 - ago * 0.1)}
          fill={colour}
          opacity={ago === 0 ? 1 : 0.32 - ago * 0.06}
        />
      ))}
      <circle cx={x - size * 0.28} cy={y - size * 0.3} r={size * 0.4} fill="#fff7de" opacity="0.28" />
      <circle cx={x + size * 0.3} cy={y + size * 0.25} r={size * 0.1} fill="#8f2d3b" />
      <circle cx={x - size * 0.35} cy={y + size * 0.4} r={size * 0.09} fill="#8f2d3b" />
    </g>
  );
}
