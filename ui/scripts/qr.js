// Draws the QR codes of the card: version 3, level M, letters and digits, always mask 0. So small, because it knows
// one form only; other codes are drawn by the server.
const SIZE = 29;
const DATA_BYTES = 44;
const CHECK_BYTES = 26;
const FORMAT = 0x5412; // level M with mask 0
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

// The path of a code of at most 61 letters, one step a module.
export function path(text) {
  const fixed = frame();
  const bits = [...bytes(text)].flatMap((byte) => [...Array(8).keys()].map((n) => (byte >> (7 - n)) & 1));
  let next = 0;
  for (let right = SIZE - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < SIZE; step++) {
      const y = (right + 1) & 2 ? step : SIZE - 1 - step;
      for (const x of [right, right - 1]) {
        if (fixed[y][x] === undefined) fixed[y][x] = Boolean(bits[next++]) !== ((x + y) % 2 === 0);
      }
    }
  }
  return fixed.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y + 0.5}h1` : ""))).join("");
}

function bytes(text) {
  const bits = [];
  const put = (value, length) => {
    for (let n = length - 1; n >= 0; n--) bits.push((value >> n) & 1);
  };
  put(2, 4);
  put(text.length, 9);
  for (let at = 0; at + 1 < text.length; at += 2) put(LETTERS.indexOf(text[at]) * 45 + LETTERS.indexOf(text[at + 1]), 11);
  if (text.length % 2) put(LETTERS.indexOf(text.at(-1)), 6);
  put(0, Math.min(4, DATA_BYTES * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const data = [];
  for (let at = 0; at < bits.length; at += 8) data.push(parseInt(bits.slice(at, at + 8).join(""), 2));
  for (let pad = 0xec; data.length < DATA_BYTES; pad ^= 0xec ^ 0x11) data.push(pad);
  return [...data, ...check(data)];
}

function times(one, other) {
  let product = 0;
  for (let n = 7; n >= 0; n--) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((other >> n) & 1) * one);
  return product;
}

// The remainder of Reed and Solomon.
function check(data) {
  const divisor = [...Array(CHECK_BYTES - 1).fill(0), 1];
  let root = 1;
  for (let n = 0; n < CHECK_BYTES; n++) {
    for (let at = 0; at < CHECK_BYTES; at++) divisor[at] = times(divisor[at], root) ^ (divisor[at + 1] ?? 0);
    root = times(root, 2);
  }
  const rest = Array(CHECK_BYTES).fill(0);
  for (const byte of data) {
    const factor = byte ^ rest.shift();
    rest.push(0);
    divisor.forEach((part, at) => (rest[at] ^= times(part, factor)));
  }
  return rest;
}

// What is the same in every code; undefined where the content goes.
function frame() {
  const at = Array.from({ length: SIZE }, () => Array(SIZE).fill(undefined));
  const put = (x, y, dark) => {
    if (x >= 0 && y >= 0 && x < SIZE && y < SIZE) at[y][x] = Boolean(dark);
  };
  for (let n = 0; n < SIZE; n++) {
    put(6, n, n % 2 === 0);
    put(n, 6, n % 2 === 0);
  }
  const square = (x, y, reach, rings) => {
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) put(x + dx, y + dy, rings.includes(Math.max(Math.abs(dx), Math.abs(dy))));
    }
  };
  for (const [x, y] of [[3, 3], [SIZE - 4, 3], [3, SIZE - 4]]) square(x, y, 4, [0, 1, 3]);
  square(22, 22, 2, [0, 2]);
  const bit = (n) => (FORMAT >> n) & 1;
  for (let n = 0; n < 6; n++) put(8, n, bit(n));
  put(8, 7, bit(6));
  put(8, 8, bit(7));
  put(7, 8, bit(8));
  for (let n = 9; n < 15; n++) put(14 - n, 8, bit(n));
  for (let n = 0; n < 8; n++) put(SIZE - 1 - n, 8, bit(n));
  for (let n = 8; n < 15; n++) put(8, SIZE - 15 + n, bit(n));
  put(8, SIZE - 8, true);
  return at;
}
