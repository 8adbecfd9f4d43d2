/* Reads a QR code out of a camera's picture, for browsers that have no BarcodeDetector: ISO/IEC 18004, versions 1 to 10,
   every level and mask, numeric, alphanumeric and bytes; turned, tilted, unevenly lit, and damaged as far as its level
   mends. Never a guess: what is not corrected in full is no code, and the answer is null.
   From the picture inwards: light and dark, the three finders, a grid laid over the code, its modules, the codewords in
   them, the text in those. One file, as it is also the worker that runs it, and both must be of one version. */

/* What is in an ImageData, or null. */
export const read = ({ data, width, height }) => {
  const picture = takeGrey(data, width, height);
  const side = Math.max(width, height);
  // Each is for pictures that the others are not good at: plain, noisy, in a sharp shadow.
  for (const [radius, smooth] of [[side / 16, 0], [side / 16, 1], [side / 40, 1]]) {
    picture.dark = threshold(picture, Math.max(4, Math.round(radius)), smooth);
    for (const corners of chooseCorners(findFinders(picture))) {
      const text = readAt(picture, corners);
      if (text !== null) return text;
    }
  }
  return null;
};

const readAt = (picture, corners) => {
  for (const grid of layGrids(picture, corners)) {
    for (const take of [voteOnModules, weighModules]) {
      const text = decode(take(picture, grid), grid.version);
      if (text !== null) return text;
    }
  }
  return null;
};

/* ---- Light and dark */

/* Brightness, and its sums over every rectangle from the upper left: any mean is then four look-ups. */
const takeGrey = (data, width, height) => {
  const grey = new Uint8Array(width * height);
  const sums = new Uint32Array((width + 1) * (height + 1));
  for (let y = 0, at = 0; y < height; y++) {
    let row = 0;
    for (let x = 0, sum = (y + 1) * (width + 1) + 1; x < width; x++, at++, sum++) {
      const level = (data[4 * at] * 77 + data[4 * at + 1] * 150 + data[4 * at + 2] * 29) >> 8;
      grey[at] = level;
      row += level;
      sums[sum] = sums[sum - width - 1] + row;
    }
  }
  return { width, height, grey, sums, dark: grey };
};

const DARKER = 0.94; // than the mean around it, so that noise on plain ground is light

const threshold = ({ width, height, grey, sums }, radius, smooth) => {
  const dark = new Uint8Array(width * height);
  const line = width + 1;
  for (let y = 0, at = 0; y < height; y++) {
    const top = Math.max(0, y - radius) * line, bottom = Math.min(height, y + radius + 1) * line;
    const tall = (bottom - top) / line;
    const above = (y - smooth) * line, below = (y + smooth + 1) * line;
    const within = smooth > 0 && y >= smooth && y + smooth < height;
    for (let x = 0; x < width; x++, at++) {
      const left = x > radius ? x - radius : 0, right = x + radius < width ? x + radius + 1 : width;
      const mean = (sums[bottom + right] - sums[bottom + left] - sums[top + right] + sums[top + left]) / (tall * (right - left));
      let level = grey[at];
      if (within && x >= smooth && x + smooth < width) {
        const first = x - smooth, last = x + smooth + 1;
        level = (sums[below + last] - sums[below + first] - sums[above + last] + sums[above + first]) / (2 * smooth + 1) ** 2;
      }
      if (level < mean * DARKER) dark[at] = 1;
    }
  }
  return dark;
};

const isDark = ({ dark, width, height }, x, y) => {
  const column = Math.floor(x), row = Math.floor(y);
  return column >= 0 && row >= 0 && column < width && row < height ? dark[row * width + column] : 0;
};

/* ---- The finders: whichever way a line goes through the middle of one, dark and light are 1 : 1 : 3 : 1 : 1 of it */

const MOST_FINDERS = 12, MOST_CORNERS = 6; // that are looked at, so that no picture takes long
const STRIDE = 0.5; // of a pixel, along a line

const isFinder = (a, b, c, d, e) => {
  const total = a + b + c + d + e;
  if (total < 10 || !a || !b || !d || !e) return false;
  const one = total / 7, off = one * 0.6 + 0.5;
  return Math.abs(a - one) < off && Math.abs(b - one) < off && Math.abs(d - one) < off && Math.abs(e - one) < off
    && Math.abs(c - 3 * one) < 1.5 * off;
};

const findFinders = (picture) => {
  const { dark, width, height } = picture;
  const found = [];
  for (let y = 1; y < height; y += 2) {
    let p0 = 0, p1 = 0, p2 = 0, p3 = 0, p4 = 0, was = 0; // where the last five runs began
    for (let x = 0, at = y * width; x < width; x++, at++) {
      if (dark[at] === was) continue;
      if (was && isFinder(p1 - p0, p2 - p1, p3 - p2, p4 - p3, x - p4)) note(picture, found, (p2 + p3) / 2, y + 0.5);
      was = dark[at];
      p0 = p1; p1 = p2; p2 = p3; p3 = p4; p4 = x;
    }
  }
  return found.sort((one, other) => other.hits - one.hits).slice(0, MOST_FINDERS);
};

const note = (picture, found, x, y) => {
  const known = found.find((each) => Math.abs(each.x - x) < 1.5 * each.module && Math.abs(each.y - y) < 1.5 * each.module);
  if (known) return void known.hits++;
  const down = probe(picture, x, y, 0, 1);
  if (!down) return;
  const across = probe(picture, x, y + down.shift, 1, 0);
  if (!across || !probe(picture, x + across.shift, y + down.shift, Math.SQRT1_2, Math.SQRT1_2)) return;
  found.push({ x: x + across.shift, y: y + down.shift, module: (down.module + across.module) / 2, hits: 1 });
};

/* A line through a finder's middle: how far off the middle that was, and a module's length in this direction,
   measured between the middles of the ring's two sides, which stay where they are when blur makes dark grow. */
const probe = (picture, x, y, dx, dy) => {
  const ahead = walk(picture, x, y, dx, dy);
  const back = ahead && walk(picture, x, y, -dx, -dy);
  if (!back) return null;
  const [a, b, c] = ahead, [d, e, f] = back;
  if (!isFinder(c - b, b - a, a + d, e - d, f - e)) return null;
  return { shift: (b + c - e - f) / 4, module: (b + c + e + f) / 12 };
};

/* How far it is to where dark ends, to where it begins again, and to where it ends again. */
const walk = (picture, x, y, dx, dy) => {
  const ends = [];
  let was = 1;
  for (let far = 0; ; far += STRIDE) {
    const px = x + far * dx, py = y + far * dy;
    if (px < 0 || py < 0 || px >= picture.width || py >= picture.height) return null;
    if (isDark(picture, px, py) === was) continue;
    ends.push(far);
    if (ends.length === 3) return ends;
    was = 1 - was;
  }
};

/* Three finders that may be of one code, likely ones first: upper left, upper right, lower left. */
const chooseCorners = (finders) => {
  const chosen = [];
  for (const corner of finders) {
    for (const one of finders) {
      for (const other of finders) {
        if (one === corner || other === corner || one === other) continue;
        const ax = one.x - corner.x, ay = one.y - corner.y, bx = other.x - corner.x, by = other.y - corner.y;
        if (ax * by <= ay * bx) continue; // the other way round is another turn of these loops
        const a = Math.hypot(ax, ay), b = Math.hypot(bx, by);
        const sizes = [corner.module, one.module, other.module];
        const small = Math.min(...sizes), large = Math.max(...sizes);
        const uneven = Math.max(a, b) / Math.min(a, b) - 1, skew = Math.abs(ax * bx + ay * by) / (a * b);
        if (large > 2 * small || uneven > 1 || skew > 0.65 || Math.min(a, b) < 9 * small || Math.max(a, b) > 75 * large) continue;
        chosen.push({ corners: [corner, one, other], wrong: uneven + skew + (large / small - 1) });
      }
    }
  }
  return chosen.sort((one, other) => one.wrong - other.wrong).slice(0, MOST_CORNERS).map(({ corners }) => corners);
};

/* ---- The grid: where in the picture each module is

   A plane seen in perspective, in coordinates (a, b) that are 0 and 1 at the finders' middles, is
   ((1 - a - b) TL + a p TR + b q BL) / ((1 - a - b) + a p + b q).
   The weights p and q say how many times as far away TR and BL are as TL is. Along the edge between them a module at TR
   is 1 / p² as long as at TL, so two measured lengths give a weight; a fourth point, the alignment pattern's middle, gives both. */

const place = ({ tl, tr, bl, p, q }, a, b) => {
  const c = 1 - a - b, weight = c + a * p + b * q;
  return [(c * tl[0] + a * p * tr[0] + b * q * bl[0]) / weight, (c * tl[1] + a * p * tr[1] + b * q * bl[1]) / weight];
};

/* The grid with weights so that (a, b) is at (x, y); null where no camera could see that. */
const pin = (grid, a, b, x, y) => {
  const { tl, tr, bl } = grid, c = 1 - a - b;
  const ux = tr[0] - x, uy = tr[1] - y, vx = bl[0] - x, vy = bl[1] - y, wx = c * (x - tl[0]), wy = c * (y - tl[1]);
  const area = ux * vy - uy * vx;
  const p = (wx * vy - wy * vx) / (area * a), q = (ux * wy - uy * wx) / (area * b);
  return p > 0.4 && p < 2.5 && q > 0.4 && q < 2.5 ? { ...grid, p, q } : null;
};

/* Grids that fit, for the likely versions, best first. */
const layGrids = (picture, [corner, right, below]) => {
  const across = span(picture, corner, right, below), down = span(picture, corner, below, right);
  const guess = ((across.count + down.count) / 2 - 10) / 4;
  const grid = { tl: [corner.x, corner.y], tr: [right.x, right.y], bl: [below.x, below.y], p: across.weight, q: down.weight };
  const grids = [];
  for (let version = Math.max(1, Math.floor(guess - 0.2)); version <= Math.min(MOST_VERSION, Math.ceil(guess + 0.2)); version++) {
    const fitted = fit(picture, { ...grid, version });
    if (fitted.match > ENOUGH) grids.push(fitted);
  }
  return grids.sort((one, other) => other.match - one.match);
};

/* Along an edge of the code, from one finder's middle to the other's: how many modules, and the weight of the far end. */
const span = (picture, from, to, aside) => {
  const far = Math.hypot(to.x - from.x, to.y - from.y), dx = (to.x - from.x) / far, dy = (to.y - from.y) / far;
  const side = Math.hypot(aside.x - from.x, aside.y - from.y);
  const [near, distant] = [from, to].map((finder) => {
    const sx = ((aside.x - from.x) / side) * finder.module, sy = ((aside.y - from.y) / side) * finder.module;
    const lengths = [-0.8, -0.4, 0, 0.4, 0.8]
      .map((step) => probe(picture, finder.x + step * sx, finder.y + step * sy, dx, dy)?.module)
      .filter(Boolean)
      .sort((one, other) => one - other);
    return lengths.length ? lengths[lengths.length >> 1] : finder.module;
  });
  return { count: far / Math.sqrt(near * distant), weight: Math.min(2, Math.max(0.5, Math.sqrt(near / distant))) };
};

// Of the modules that are known beforehand: as many as make it worth while to look around, and to read the others.
const HOPE = 0.6, ENOUGH = 0.8;

/* First look around for the fourth point, then move everything a little as long as more modules match. */
const fit = (picture, grid) => {
  const { size, known } = layoutOf(grid.version), count = size - 7;
  const at = (grid.version > 1 ? count - 3 : count) / count;
  const [x, y] = place(grid, at, at);
  const ux = (grid.tr[0] - grid.tl[0]) / count, uy = (grid.tr[1] - grid.tl[1]) / count;
  const vx = (grid.bl[0] - grid.tl[0]) / count, vy = (grid.bl[1] - grid.tl[1]) / count;
  const rate = (each) => matches(picture, each, known, count);
  let best = grid, most = rate(grid);
  if (most < HOPE) return { ...grid, match: most };
  for (let v = -4; v <= 4; v += 0.5) {
    for (let u = -4; u <= 4; u += 0.5) {
      const other = pin(grid, at, at, x + u * ux + v * vx, y + u * uy + v * vy);
      const rating = other ? rate(other) - Math.hypot(u, v) / 2000 : 0;
      if (rating > most) [best, most] = [other, rating];
    }
  }
  most = rate(best);
  const module = Math.hypot(ux, uy);
  for (let step = 0.5; step > 0.1; step /= 2) {
    for (let better = true; better; ) {
      better = false;
      for (const other of moved(best, step * module, step / count)) {
        const rating = rate(other);
        if (rating > most) [best, most, better] = [other, rating, true];
      }
    }
  }
  return { ...best, match: most };
};

function* moved(grid, length, weight) {
  for (const sign of [-1, 1]) {
    yield { ...grid, p: grid.p + sign * weight };
    yield { ...grid, q: grid.q + sign * weight };
    for (const corner of ["tl", "tr", "bl"]) {
      const [x, y] = grid[corner];
      yield { ...grid, [corner]: [x + sign * length, y] };
      yield { ...grid, [corner]: [x, y + sign * length] };
    }
  }
}

const matches = (picture, { tl, tr, bl, p, q }, known, count) => {
  let hits = 0;
  // The same as place(), with what does not change from module to module taken out of the loop.
  const ax = (p * tr[0] - tl[0]) / count, ay = (p * tr[1] - tl[1]) / count, aw = (p - 1) / count;
  const bx = (q * bl[0] - tl[0]) / count, by = (q * bl[1] - tl[1]) / count, bw = (q - 1) / count;
  for (let at = 0; at < known.length; at += 3) {
    const a = known[at], b = known[at + 1], weight = 1 + a * aw + b * bw;
    if (isDark(picture, (tl[0] + a * ax + b * bx) / weight, (tl[1] + a * ay + b * by) / weight) === known[at + 2]) hits++;
  }
  return (3 * hits) / known.length;
};

/* ---- The modules, as a matrix of 0 and 1 */

/* Dark is what most of five points are. */
const voteOnModules = (picture, grid) =>
  eachModule(grid, (a, b, step) => {
    let votes = 0;
    for (const [right, down] of [[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]]) {
      votes += isDark(picture, ...place(grid, a + right * step * 0.25, b + down * step * 0.25));
    }
    return votes > 2;
  });

/* Where blur lets modules run into one another: it is taken back, as if each had given two fifths of its light to its
   neighbours, each way; dark is then what is darker than halfway between the extremes around it. */
const weighModules = (picture, grid) => {
  const { size } = layoutOf(grid.version);
  const module = Math.hypot(grid.tr[0] - grid.tl[0], grid.tr[1] - grid.tl[1]) / (size - 7);
  const seen = eachModule(grid, (a, b) => meanAround(picture, ...place(grid, a, b), module / 4));
  let sharp = seen;
  for (let round = 0; round < 8; round++) {
    const blurred = blurAlong(blurAlong(sharp, size, 1, size), size, size, 1);
    sharp = sharp.map((level, at) => level + seen[at] - blurred[at]);
  }
  return Uint8Array.from(sharp, (level, at) => {
    const column = at % size, row = (at - column) / size;
    let low = Infinity, high = -Infinity;
    for (let y = Math.max(0, row - 2); y <= Math.min(size - 1, row + 2); y++) {
      for (let x = Math.max(0, column - 2); x <= Math.min(size - 1, column + 2); x++) {
        low = Math.min(low, sharp[y * size + x]);
        high = Math.max(high, sharp[y * size + x]);
      }
    }
    return 2 * level < low + high;
  });
};

const blurAlong = (levels, size, step, line) => {
  const blurred = new Float32Array(levels.length);
  for (let start = 0, one = 0; one < size; one++, start += line) {
    for (let at = start, place = 0; place < size; place++, at += step) {
      const before = place ? levels[at - step] : levels[at], after = place < size - 1 ? levels[at + step] : levels[at];
      blurred[at] = (before + 3 * levels[at] + after) / 5;
    }
  }
  return blurred;
};

const clamp = (number, least, most) => Math.min(most, Math.max(least, Math.round(number)));

const meanAround = ({ width, height, sums }, x, y, radius) => {
  const left = clamp(x - radius, 0, width - 1), right = clamp(x + radius, left + 1, width);
  const top = clamp(y - radius, 0, height - 1), bottom = clamp(y + radius, top + 1, height);
  const upper = top * (width + 1), lower = bottom * (width + 1);
  return (sums[lower + right] - sums[lower + left] - sums[upper + right] + sums[upper + left]) / ((right - left) * (bottom - top));
};

const eachModule = (grid, look) => {
  const { size } = layoutOf(grid.version), step = 1 / (size - 7);
  const modules = new Float32Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      modules[row * size + column] = look((column - 3) * step, (row - 3) * step, step);
    }
  }
  return modules;
};

/* ---- The layout of a version: which modules are known beforehand, and which carry data */

export const MOST_VERSION = 10;
const DATA = 0, RESERVED = 1, LIGHT = 2, DARK = 3; // reserved: the format, which is not known beforehand

const layouts = [];
const layoutOf = (version) => (layouts[version] ??= makeLayout(version));

const makeLayout = (version) => {
  const size = 17 + 4 * version, last = size - 7;
  const cells = new Uint8Array(size * size);
  const set = (column, row, kind) => {
    if (column >= 0 && row >= 0 && column < size && row < size) cells[row * size + column] = kind;
  };
  const square = (column, row, reach, lightRings) => {
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        set(column + x, row + y, lightRings.includes(Math.max(Math.abs(x), Math.abs(y))) ? LIGHT : DARK);
      }
    }
  };
  for (let at = 0; at < 8; at++) {
    for (const [column, row] of [[8, at], [at, 8], [8, 8], [8, size - 1 - at], [size - 1 - at, 8]]) set(column, row, RESERVED);
  }
  for (let at = 0; at < size; at++) {
    set(at, 6, at % 2 ? LIGHT : DARK);
    set(6, at, at % 2 ? LIGHT : DARK);
  }
  const between = version < 7 ? NaN : (last + 6) / 2;
  const middles = version === 1 ? [] : version < 7 ? [last] : [6, between, last];
  for (const row of middles) {
    for (const column of middles) {
      const inFinder = (column === 6 && row !== between) || (row === 6 && column !== between);
      if (!inFinder) square(column, row, 2, [1]);
    }
  }
  for (const [column, row] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(column, row, 4, [2, 4]);
  set(8, size - 8, DARK);
  if (version >= 7) {
    const said = (version << 12) | remainder(version << 12, 0x1f25);
    for (let bit = 0; bit < 18; bit++) {
      const far = size - 11 + (bit % 3), near = Math.floor(bit / 3), kind = (said >> bit) & 1 ? DARK : LIGHT;
      set(near, far, kind);
      set(far, near, kind);
    }
  }
  const known = [], data = [];
  cells.forEach((kind, at) => {
    if (kind >= LIGHT) known.push((at % size) - 3, Math.floor(at / size) - 3, kind === DARK ? 1 : 0);
  });
  // Up and down in columns two modules wide, from the right; column 6 belongs to the timing pattern.
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right--;
    for (let step = 0; step < size; step++) {
      const row = up ? size - 1 - step : step;
      for (const column of [right, right - 1]) if (cells[row * size + column] === DATA) data.push([column, row]);
    }
  }
  return { size, known: Int8Array.from(known), data };
};

const remainder = (value, generator) => {
  const degree = 31 - Math.clz32(generator);
  let rest = value;
  while (rest >>> degree) rest ^= generator << (31 - Math.clz32(rest) - degree);
  return rest;
};

/* ---- From modules to the text */

/* By the two bits that name a level (M, L, H, Q): for each version how many codewords of a block correct the others,
   and into how many blocks a code is divided (ISO/IEC 18004, table 9). */
export const BLOCKS = [
  { correcting: [10, 16, 26, 18, 24, 16, 18, 22, 22, 26], blocks: [1, 1, 1, 2, 2, 4, 4, 4, 5, 5] },
  { correcting: [7, 10, 15, 20, 26, 18, 20, 24, 30, 18], blocks: [1, 1, 1, 1, 1, 2, 2, 2, 2, 4] },
  { correcting: [17, 28, 22, 16, 22, 28, 26, 26, 24, 28], blocks: [1, 1, 2, 4, 4, 4, 5, 6, 8, 8] },
  { correcting: [13, 22, 18, 26, 18, 24, 18, 22, 20, 24], blocks: [1, 1, 2, 2, 4, 4, 6, 6, 8, 8] },
];

/* The smallest codes correct less than they could, so that they do not correct into something else. */
const KEPT_BACK = { "1-0": 2, "1-1": 3, "1-2": 1, "1-3": 1, "2-1": 2, "3-1": 1 };

const MASKS = [
  (x, y) => (x + y) % 2,
  (x, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => ((y >> 1) + Math.floor(x / 3)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x * y) % 3) + ((x + y) % 2)) % 2,
];

const decode = (modules, version) => {
  const format = readFormat(modules, layoutOf(version).size);
  if (!format) return null;
  const bytes = correctBlocks(readCodewords(modules, version, MASKS[format.mask]), version, format.level);
  return bytes && readSegments(bytes, version);
};

const FORMATS = Array.from({ length: 32 }, (_, said) => ((said << 10) | remainder(said << 10, 0x537)) ^ 0x5412);
const MOST_WRONG = 3; // bits of fifteen that the format's code mends

/* The format is there twice, its bit 0 last to come in both lists. */
const readFormat = (modules, size) => {
  const end = size - 1;
  const copies = [
    [[0, 8], [1, 8], [2, 8], [3, 8], [4, 8], [5, 8], [7, 8], [8, 8], [8, 7], [8, 5], [8, 4], [8, 3], [8, 2], [8, 1], [8, 0]],
    [...Array.from({ length: 7 }, (_, at) => [8, end - at]), ...Array.from({ length: 8 }, (_, at) => [end - 7 + at, 8])],
  ].map((places) => places.reduce((number, [column, row]) => (number << 1) | modules[row * size + column], 0));
  let best = null, least = MOST_WRONG + 1;
  FORMATS.forEach((format, said) => {
    const wrong = Math.min(...copies.map((copy) => countOnes(copy ^ format)));
    if (wrong < least) [best, least] = [{ level: said >> 3, mask: said & 7 }, wrong];
  });
  return best;
};

const countOnes = (number) => (number ? 1 + countOnes(number & (number - 1)) : 0);

const readCodewords = (modules, version, mask) => {
  const { size, data } = layoutOf(version);
  const codewords = new Uint8Array(data.length >> 3);
  for (let at = 0; at < codewords.length * 8; at++) {
    const [column, row] = data[at];
    const bit = modules[row * size + column] ^ (mask(column, row) === 0 ? 1 : 0);
    codewords[at >> 3] |= bit << (7 - (at & 7));
  }
  return codewords;
};

/* Codewords come from all blocks in turn; the last blocks may have one more of data. Null if one cannot be mended. */
const correctBlocks = (codewords, version, level) => {
  const correcting = BLOCKS[level].correcting[version - 1], count = BLOCKS[level].blocks[version - 1];
  const total = codewords.length - correcting * count, short = Math.floor(total / count), shorts = count - (total % count);
  const blocks = Array.from({ length: count }, () => []);
  let at = 0;
  for (let place = 0; place <= short; place++) {
    for (let block = place < short ? 0 : shorts; block < count; block++) blocks[block].push(codewords[at++]);
  }
  for (; at < codewords.length; at++) blocks[(at - total) % count].push(codewords[at]);
  const most = (correcting - (KEPT_BACK[`${version}-${level}`] ?? 0)) >> 1;
  if (!blocks.every((block) => correct(block, correcting, most))) return null;
  return Uint8Array.from(blocks.flatMap((block) => block.slice(0, -correcting)));
};

/* ---- Reed-Solomon over GF(256), x⁸ + x⁴ + x³ + x² + 1 */

const POWERS = new Uint8Array(512), LOGS = new Uint8Array(256);
for (let exponent = 0, value = 1; exponent < 255; exponent++) {
  POWERS[exponent] = POWERS[exponent + 255] = value;
  LOGS[value] = exponent;
  value = (value << 1) ^ (value & 128 ? 0x11d : 0);
}
const times = (one, other) => (one && other ? POWERS[LOGS[one] + LOGS[other]] : 0);
const over = (one, other) => (one ? POWERS[LOGS[one] + 255 - LOGS[other]] : 0);
const valueAt = (polynomial, x) => polynomial.reduceRight((sum, coefficient) => times(sum, x) ^ coefficient, 0); // lowest first

const syndromesOf = (block, count) =>
  Array.from({ length: count }, (_, root) => block.reduce((sum, byte) => times(sum, POWERS[root]) ^ byte, 0));

/* Mends the block in place; whether that went well. */
const correct = (block, correcting, most) => {
  const syndromes = syndromesOf(block, correcting);
  if (!syndromes.some(Boolean)) return true;
  const locator = locate(syndromes), errors = locator.length - 1;
  if (errors > most) return false;
  const evaluator = syndromes.slice(0, errors).map((_, at) => // the product of both, as far as it counts
    locator.slice(0, at + 1).reduce((sum, coefficient, step) => sum ^ times(coefficient, syndromes[at - step]), 0));
  const slope = locator.map((coefficient, at) => (at % 2 ? coefficient : 0)).slice(1);
  let found = 0;
  for (let at = 0; at < block.length; at++) {
    const exponent = block.length - 1 - at, inverse = POWERS[255 - exponent];
    if (valueAt(locator, inverse)) continue;
    const steep = valueAt(slope, inverse);
    if (!steep) return false;
    block[at] ^= times(POWERS[exponent], over(valueAt(evaluator, inverse), steep));
    found++;
  }
  return found === errors && !syndromesOf(block, correcting).some(Boolean);
};

/* Berlekamp and Massey: the shortest polynomial that makes the syndromes, whose roots are where the errors are. */
const locate = (syndromes) => {
  let locator = [1], before = [1], length = 0, gap = 1, scale = 1;
  for (let at = 0; at < syndromes.length; at++, gap++) {
    const wrong = locator.reduce((sum, coefficient, step) => sum ^ times(coefficient, syndromes[at - step] ?? 0), 0);
    if (!wrong) continue;
    const factor = over(wrong, scale), kept = locator;
    const next = new Array(Math.max(locator.length, before.length + gap)).fill(0);
    locator.forEach((coefficient, step) => { next[step] ^= coefficient; });
    before.forEach((coefficient, step) => { next[step + gap] ^= times(factor, coefficient); });
    locator = next;
    if (2 * length > at) continue;
    [length, before, scale, gap] = [at + 1 - length, kept, wrong, 0];
  }
  while (locator.at(-1) === 0) locator.pop();
  return locator;
};

/* ---- Segments */

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const NUMERIC = 1, ALPHANUMERIC = 2, BYTES = 4, CHARACTER_SET = 7; // the modes

/* The text, or null where a segment is of a kind that is not read here, or longer than the code. */
const readSegments = (bytes, version) => {
  let at = 0, text = "";
  const left = () => bytes.length * 8 - at;
  const take = (count) => {
    let number = 0;
    for (const end = at + count; at < end; at++) number = (number << 1) | ((bytes[at >> 3] >> (7 - (at & 7))) & 1);
    return number;
  };
  const wide = version > 9;
  while (left() >= 4) {
    const mode = take(4);
    if (mode === 0) break;
    if (mode === CHARACTER_SET && take(8) < 128) continue; // bytes tell by themselves whether they are UTF-8
    const lengthBits = { [NUMERIC]: wide ? 12 : 10, [ALPHANUMERIC]: wide ? 11 : 9, [BYTES]: wide ? 16 : 8 }[mode];
    if (!lengthBits || left() < lengthBits) return null;
    const length = take(lengthBits);
    const part = { [NUMERIC]: takeNumbers, [ALPHANUMERIC]: takeCharacters, [BYTES]: takeBytes }[mode](length, take, left);
    if (part === null) return null;
    text += part;
  }
  return text || null;
};

const takeNumbers = (length, take, left) => {
  if (left() < Math.ceil((length * 10) / 3)) return null;
  let text = "";
  for (let rest = length; rest > 0; rest -= 3) {
    const digits = Math.min(3, rest), number = take([0, 4, 7, 10][digits]);
    if (number >= 10 ** digits) return null;
    text += String(number).padStart(digits, "0");
  }
  return text;
};

const takeCharacters = (length, take, left) => {
  if (left() < Math.ceil((length * 11) / 2)) return null;
  let text = "";
  for (let rest = length; rest > 0; rest -= 2) {
    const number = take(rest > 1 ? 11 : 6);
    if (number >= (rest > 1 ? 45 * 45 : 45)) return null;
    text += (rest > 1 ? DIGITS[Math.floor(number / 45)] : "") + DIGITS[number % 45];
  }
  return text;
};

const takeBytes = (length, take, left) => {
  if (left() < length * 8) return null;
  const bytes = Uint8Array.from({ length }, () => take(8));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return String.fromCharCode(...bytes); // ISO 8859-1, as the standard has it
  }
};

/* ---- As a worker: a picture comes, what is in it goes back */
if (typeof WorkerGlobalScope === "function" && self instanceof WorkerGlobalScope) {
  addEventListener("message", ({ data }) => postMessage(read(data)));
}
