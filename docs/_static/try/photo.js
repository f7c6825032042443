/* A photo becomes an image like Fashion-MNIST's: the steps of fmnist_utils/photo/steps.py, whose
   comments say why; a test compares the two. A picture is {width, height, data}, three bytes a
   pixel, or one where it is grey. */
"use strict";

const Photo = (() => {
  const SIDE = 28, EDGE = 560, CLOSE = 0.05 * 255, SPECK = 0.02, SMALLEST = 0.004, BLACK = 20;
  const FLAT = 9, STRAIGHT = 0.85, CUT = 0.02, DIMMEST = 58;
  const ONE = 2 ** 22, MAX_BYTES = 150e6, MAX_PIXELS = 50e6;
  const SIDES = ["top", "bottom", "left", "right"];
  const GREY = [0.299, 0.587, 0.114];

  /* As Python rounds: a half to the even neighbour. */
  function round(value) {
    const below = Math.floor(value), rest = value - below;
    return rest > 0.5 || (rest === 0.5 && below % 2) ? below + 1 : below;
  }
  const clip = (value) => Math.min(255, Math.max(0, value));
  function median(values) {
    const sorted = Float64Array.from(values).sort(), middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
  const picture = (width, height, bytes = 3) =>
    ({ width, height, data: new Uint8Array(width * height * bytes) });
  const grey = (data, i) => GREY[0] * data[i] + GREY[1] * data[i + 1] + GREY[2] * data[i + 2];

  /* ---- From a file to an upright picture of at most 560 pixels a side ---- */

  const STARTS = [
    [/^\xff\xd8\xff/, "image/jpeg"],
    [/^\x89PNG\r\n\x1a\n/, "image/png"],
    [/^RIFF[^]{4}WEBPVP8/, "image/webp"],
  ];

  /* Width and height as the file's head tells them, before anything is decoded. */
  function claimed(bytes, kind) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (kind === "image/png") return [view.getUint32(16), view.getUint32(20)];
    if (kind === "image/webp") {
      const form = String.fromCharCode(...bytes.subarray(12, 16));
      if (form === "VP8X") {
        const three = (at) => 1 + bytes[at] + 256 * bytes[at + 1] + 65536 * bytes[at + 2];
        return [three(24), three(27)];
      }
      if (form === "VP8L") {
        const bits = view.getUint32(21, true);
        return [1 + (bits & 16383), 1 + ((bits >> 14) & 16383)];
      }
      return [view.getUint16(26, true) & 16383, view.getUint16(28, true) & 16383];
    }
    for (let at = 2; at + 9 < bytes.length; at += 2 + view.getUint16(at + 2)) {
      while (bytes[at + 1] === 0xff) at++; // a marker may be preceded by any number of these
      const marker = bytes[at + 1];
      if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
        return [view.getUint16(at + 7), view.getUint16(at + 5)];
    }
    throw new RangeError("no size");
  }

  /* The photo in a file that the reader has chosen. Throws an Error whose message is a sentence. */
  async function read(file) {
    const name = file.name;
    if (!file.size) throw Error(`${name} is empty; copy or save the photo again.`);
    if (file.size > MAX_BYTES)
      throw Error(`${name} is larger than ${MAX_BYTES / 1e6} MB; save it smaller, as a JPEG say.`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const head = String.fromCharCode(...bytes.subarray(0, 16));
    const known = STARTS.find(([start]) => start.test(head));
    if (!known)
      throw Error(`${name} is not a JPEG, PNG or WebP picture; save or export the photo as one of these.`);
    // A WebP file says what it holds in bits behind the word VP8X; the second is animation's.
    if (head.slice(8) === "WEBPVP8X" && bytes[20] & 2)
      throw Error(`${name} is an animation, not a photo; save one of its pictures as a JPEG or PNG.`);
    let bitmap;
    try {
      const [width, height] = claimed(bytes, known[1]);
      if (width * height > MAX_PIXELS)
        throw Error(`${name} has ${width} x ${height} pixels; shrink it to at most ${MAX_PIXELS / 1e6} million.`);
      bitmap = await createImageBitmap(new Blob([bytes], { type: known[1] }), {
        colorSpaceConversion: "none", premultiplyAlpha: "none", imageOrientation: "from-image",
      });
    } catch (error) {
      if (error.message.includes("shrink it")) throw error;
      throw Error(`${name} is damaged and can't be decoded; copy or save the photo again.`);
    }
    return upright(bitmap);
  }

  function upright(bitmap) {
    const { width, height } = bitmap;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    let seen = 0, light = 0, cut = false;
    for (let i = 0; i < rgba.length; i += 4) {
      if (rgba[i + 3] < 255) cut = true;
      if (rgba[i + 3] > 127) { seen++; light += (rgba[i] + rgba[i + 1] + rgba[i + 2]) / 3; }
    }
    const full = picture(width, height);
    // What is transparent becomes white, or black if the rest would be hard to see on white.
    const background = cut && seen && light / seen > 191 ? 0 : 255;
    for (let i = 0, j = 0; i < rgba.length; i += 4, j += 3) {
      const cover = rgba[i + 3] / 255;
      for (let c = 0; c < 3; c++)
        full.data[j + c] = cover === 1 ? rgba[i + c] : round(rgba[i + c] * cover + background * (1 - cover));
    }
    return thumbnail(full);
  }

  /* Pillow's `thumbnail`: shrunk to at most 560 pixels a side, in proportion. */
  function thumbnail(full) {
    let { width, height } = full, x = EDGE, y = EDGE;
    if (width <= EDGE && height <= EDGE) return full;
    const aspect = width / height;
    const nearest = (value, off) => {
      const [a, b] = [Math.floor(value), Math.ceil(value)];
      return Math.max(1, off(b) < off(a) ? b : a);
    };
    if (aspect <= 1) x = nearest(y * aspect, (n) => Math.abs(aspect - n / y));
    else y = nearest(x / aspect, (n) => (n ? Math.abs(aspect - x / n) : 0));
    const across = Math.max(1, Math.floor(width / x / 2)), down = Math.max(1, Math.floor(height / y / 2));
    const reduced = across > 1 || down > 1 ? reduce(full, across, down) : full;
    return resample(reduced, x, y, box, width / across, height / down);
  }

  /* The mean of each block of pixels. */
  function reduce(full, across, down) {
    const out = picture(Math.ceil(full.width / across), Math.ceil(full.height / down));
    for (let y = 0; y < out.height; y++) for (let x = 0; x < out.width; x++) for (let c = 0; c < 3; c++) {
      let sum = 0, count = 0;
      for (let i = y * down; i < Math.min(full.height, (y + 1) * down); i++)
        for (let j = x * across; j < Math.min(full.width, (x + 1) * across); j++, count++)
          sum += full.data[(i * full.width + j) * 3 + c];
      out.data[(y * out.width + x) * 3 + c] = Math.floor((sum + Math.floor(count / 2)) / count);
    }
    return out;
  }

  const box = { reach: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
  const bicubic = {
    reach: 2,
    at: (x) => {
      x = Math.abs(x);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    },
  };

  /* Pillow's `resize`: first every row, then every column, rounded in between. */
  function resample(input, width, height, filter, within = input.width, high = input.height) {
    const rows = input.width === width && within === width ? input : line(input, width, within, true);
    return rows.height === height && high === height ? rows : line(rows, height, high, false);

    function line(from, size, length, across) {
      const out = across ? picture(size, from.height) : picture(from.width, size);
      const scale = length / size, stretch = Math.max(1, scale), reach = filter.reach * stretch;
      const limit = across ? from.width : from.height;
      for (let to = 0; to < size; to++) {
        const centre = (to + 0.5) * scale;
        const first = Math.max(0, Math.trunc(centre - reach + 0.5));
        const end = Math.min(limit, Math.trunc(centre + reach + 0.5));
        let weights = [];
        for (let i = first; i < end; i++) weights.push(filter.at((i - centre + 0.5) / stretch));
        const sum = weights.reduce((a, b) => a + b, 0);
        weights = weights.map((weight) => round(weight * (1 / sum) * ONE)); // whole numbers, as there
        for (let other = 0; other < (across ? out.height : out.width); other++)
          for (let c = 0; c < 3; c++) {
            let value = ONE / 2;
            for (let i = first; i < end; i++) {
              const at = across ? other * from.width + i : i * from.width + other;
              value += weights[i - first] * from.data[at * 3 + c];
            }
            const at = across ? other * out.width + to : to * out.width + other;
            out.data[at * 3 + c] = clip(Math.floor(value / ONE));
          }
      }
      return out;
    }
  }

  /* ---- The steps ---- */

  /* Every step from a photo to the network's input, by name, in order. Throws an Error whose
     message is a sentence if no garment stands out. */
  function steps(whole, name) {
    const { photo, background, garment } = found(whole, name);
    if (!garment)
      throw Error(`No garment stands out in ${name}; photograph one close up, on a plain background of another colour.`);
    const tones = new Float64Array(background.length / 3).map((_, i) => grey(background, 3 * i));
    const black = median(tones) < BLACK;
    const cut = cutOut(photo, garment, black);
    const trimmed = trim(cut, garment);
    const shrunk = resize(trimmed);
    const sharpened = sharpen(shrunk);
    const centred = centre(sharpened, black ? 0 : 255);
    const negated = black ? centred : { ...centred, data: centred.data.map((v) => 255 - v) };
    const plain = picture(SIDE, SIDE, 1);
    for (let i = 0; i < plain.data.length; i++) plain.data[i] = round(grey(negated.data, 3 * i));
    const highest = Math.max(1, ...plain.data);
    const stretched = { ...plain, data: plain.data.map((v) => round(v * (255 / highest))) };
    return { photo, "cut out": cut, trimmed, shrunk, sharpened, centred, negated, grey: plain, stretched };
  }

  /* The photo, its background and where its garment is: within a frame, if it has one. */
  function found(photo, name) {
    const background = backgroundOf(photo), garment = garmentOf(photo, background);
    const [inside, sides] = withinFrame(photo);
    if (!inside) return { photo, background, garment };
    const within = found(inside, name);
    if (!within.garment) return { photo, background, garment };
    const share = within.garment.reduce((a, b) => a + b, 0) / within.garment.length;
    const opposite = [["top", "bottom"], ["left", "right"]].some((pair) => pair.every((s) => sides.includes(s)));
    if (share < 0.1 || !opposite)
      throw Error(`${name} seems to have a frame, or a bar at one side; cut it off, or photograph the garment close up, with its background all around.`);
    return within;
  }

  function withinFrame(photo) {
    const cut = Math.max(2, round(CUT * Math.max(photo.width, photo.height)));
    for (const sides of combinations()) {
      const outermost = sides.flatMap((side) => border(photo, side));
      const colour = middle(outermost);
      if (outermost.filter((p) => off(p, colour) > FLAT).length / outermost.length > 0.02) continue;
      const rows = new Float64Array(photo.height), columns = new Float64Array(photo.width);
      for (let y = 0, i = 0; y < photo.height; y++) for (let x = 0; x < photo.width; x++, i += 3)
        if (off([photo.data[i], photo.data[i + 1], photo.data[i + 2]], colour) > CLOSE) { rows[y]++; columns[x]++; }
      const down = Array.from(rows, (n) => n / photo.width > 0.02);
      const across = Array.from(columns, (n) => n / photo.height > 0.02);
      if (!down.includes(true) || !across.includes(true)) continue;
      const ends = {
        top: down.indexOf(true), bottom: down.toReversed().indexOf(true),
        left: across.indexOf(true), right: across.toReversed().indexOf(true),
      };
      const less = (change) => without(photo, Object.fromEntries(sides.map((s) => [s, change(ends[s])])));
      const outer = less((end) => Math.max(0, end - 3)), inner = less((end) => end + 2);
      const inside = less((end) => end + cut);
      if (Math.min(inside.width, inside.height) < SIDE) continue;
      const straight = (side) => {
        const colourThere = middle(border(outer, side)), here = border(inner, side);
        return here.filter((p) => off(p, colourThere) > CLOSE).length / here.length > STRAIGHT;
      };
      if (sides.every(straight)) return [inside, sides];
    }
    return [null, []];
  }

  /* All four sides, then each three of them, each two, each one. */
  function* combinations() {
    function* choose(count, from) {
      if (!count) yield [];
      else for (let i = from; i < 4; i++) for (const rest of choose(count - 1, i + 1)) yield [SIDES[i], ...rest];
    }
    for (let count = 4; count; count--) yield* choose(count, 0);
  }
  function border({ width, height, data }, side) {
    const count = side === "top" || side === "bottom" ? width : height;
    const at = { top: (i) => i, bottom: (i) => (height - 1) * width + i, left: (i) => i * width,
      right: (i) => i * width + width - 1 }[side];
    return Array.from({ length: count }, (_, i) => [...data.subarray(3 * at(i), 3 * at(i) + 3)]);
  }
  const middle = (pixels) => [0, 1, 2].map((c) => median(pixels.map((pixel) => pixel[c])));
  const off = (one, other) =>
    Math.max(Math.abs(one[0] - other[0]), Math.abs(one[1] - other[1]), Math.abs(one[2] - other[2]));
  function without(photo, { top = 0, bottom = 0, left = 0, right = 0 }) {
    return part(photo, left, top, Math.max(left, photo.width - right), Math.max(top, photo.height - bottom));
  }
  function part(photo, left, top, right, bottom) {
    const out = picture(right - left, bottom - top);
    for (let y = 0; y < out.height; y++) {
      const from = ((y + top) * photo.width + left) * 3;
      out.data.set(photo.data.subarray(from, from + out.width * 3), y * out.width * 3);
    }
    return out;
  }

  function* edge(width, height) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x += y && y < height - 1 && x < width - 1 ? Math.max(1, width - 1) : 1)
        yield [x, y];
  }

  /* The background's colour at every pixel: a plane through most of the edge's colours. */
  function backgroundOf({ width, height, data }) {
    const size = Math.max(width, height), places = [...edge(width, height)];
    const at = (x, y) => [1, (x - (width - 1) / 2) / size, (y - (height - 1) / 2) / size];
    const there = places.map(([x, y]) => at(x, y));
    const colours = places.map(([x, y]) => data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3));
    let weights = new Float64Array(places.length).fill(1), plane;
    for (let turn = 0; turn < 20; turn++) {
      const left = [0, 1, 2].map(() => [0, 0, 0]), right = [0, 1, 2].map(() => [0, 0, 0]);
      there.forEach((p, n) => {
        for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) {
          left[i][j] += weights[n] * p[i] * p[j];
          right[i][j] += weights[n] * p[i] * colours[n][j];
        }
      });
      plane = solve(left, right);
      weights = weights.map((_, n) => 1 / (1 + off(colour(plane, there[n]), colours[n])));
    }
    const background = new Float64Array(width * height * 3);
    for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i += 3)
      background.set(colour(plane, at(x, y)).map(clip), i);
    return background;
  }
  const colour = (plane, p) => [0, 1, 2].map((c) => p[0] * plane[0][c] + p[1] * plane[1][c] + p[2] * plane[2][c]);
  /* Three linear equations, by Gauss. */
  function solve(left, right) {
    const rows = left.map((row, i) => [...row, ...right[i]]);
    for (let i = 0; i < 3; i++) {
      let best = i;
      for (let k = i + 1; k < 3; k++) if (Math.abs(rows[k][i]) > Math.abs(rows[best][i])) best = k;
      [rows[i], rows[best]] = [rows[best], rows[i]];
      for (let k = 0; k < 3; k++) {
        if (k === i) continue;
        const times = rows[k][i] / rows[i][i];
        for (let j = i; j < 6; j++) rows[k][j] -= times * rows[i][j];
      }
    }
    return rows.map((row, i) => row.slice(3).map((value) => value / row[i]));
  }

  /* Where the garment is, 0 or 1 a pixel: what differs from the background. null: nowhere. */
  function garmentOf({ width, height, data }, background) {
    const distance = new Float64Array(width * height);
    for (let n = 0, i = 0; n < distance.length; n++, i += 3)
      distance[n] = Math.max(Math.abs(data[i] - background[i]), Math.abs(data[i + 1] - background[i + 1]), Math.abs(data[i + 2] - background[i + 2]));
    const atEdge = [...edge(width, height)].map(([x, y]) => distance[y * width + x]);
    let limit = Math.max(CLOSE, 3 * median(atEdge));
    const clear = distance.filter((d) => d > limit);
    if (clear.length) limit = Math.max(limit, 0.2 * median(clear));
    const piece = new Int32Array(distance.length), sizes = [0], stack = [];
    for (let start = 0; start < piece.length; start++) {
      if (piece[start] || !(distance[start] > limit)) continue;
      const number = sizes.push(0) - 1;
      piece[start] = number;
      stack.push(start);
      while (stack.length) {
        const n = stack.pop(), x = n % width;
        sizes[number]++;
        for (const next of [x > 0 ? n - 1 : -1, x < width - 1 ? n + 1 : -1, n - width, n + width])
          if (next >= 0 && next < piece.length && !piece[next] && distance[next] > limit) {
            piece[next] = number;
            stack.push(next);
          }
      }
    }
    const largest = sizes.reduce((a, b) => Math.max(a, b));
    if (largest < SMALLEST * piece.length) return null;
    return Uint8Array.from(piece, (n) => (sizes[n] >= Math.max(1, SPECK * largest) ? 1 : 0));
  }

  function cutOut(photo, garment, black) {
    const tones = [];
    garment.forEach((there, n) => { if (there) tones.push(grey(photo.data, 3 * n)); });
    const typical = median(tones), lift = Math.max(0, DIMMEST - (black ? typical : 255 - typical));
    const out = picture(photo.width, photo.height);
    for (let i = 0; i < out.data.length; i++)
      out.data[i] = garment[Math.floor(i / 3)]
        ? round(clip(photo.data[i] + (black ? lift : -lift))) : black ? 0 : 255;
    return out;
  }

  function trim(photo, garment) {
    let left = photo.width, right = 0, top = photo.height, bottom = 0;
    garment.forEach((there, n) => {
      if (!there) return;
      const x = n % photo.width, y = Math.floor(n / photo.width);
      left = Math.min(left, x); right = Math.max(right, x + 1);
      top = Math.min(top, y); bottom = Math.max(bottom, y + 1);
    });
    return part(photo, left, top, right, bottom);
  }

  function resize(trimmed) {
    const scale = SIDE / Math.max(trimmed.width, trimmed.height);
    const width = Math.max(1, round(trimmed.width * scale)), height = Math.max(1, round(trimmed.height * scale));
    return resample(trimmed, width, height, scale < 1 ? box : bicubic);
  }

  /* Pillow's unsharp mask adds half the difference from a blur; and it blurs by three means of each
     pixel with its neighbours, along rows, then along columns. */
  function sharpen(shrunk) {
    let blurred = shrunk;
    for (const stride of [3, 3 * shrunk.width]) for (let turn = 0; turn < 3; turn++) blurred = mean(blurred, stride);
    const data = shrunk.data.map((value, i) => clip(value + Math.trunc(((value - blurred.data[i]) * 50) / 100)));
    return { ...shrunk, data };

    function mean(from, stride) {
      const { width, height, data } = from, out = picture(width, height);
      const own = Math.fround(2 ** 24 / 1.5), next = Math.floor((2 ** 24 - own) / 2); // as C has them
      for (let i = 0; i < data.length; i++) {
        const place = stride === 3 ? Math.floor(i / 3) % width : Math.floor(i / stride);
        const last = (stride === 3 ? width : height) - 1;
        const before = data[place > 0 ? i - stride : i], after = data[place < last ? i + stride : i];
        out.data[i] = Math.floor((data[i] * own + (before + after) * next + 2 ** 23) / 2 ** 24);
      }
      return out;
    }
  }

  function centre(small, background) {
    const out = picture(SIDE, SIDE);
    out.data.fill(background);
    const top = (SIDE - small.height) >> 1, left = (SIDE - small.width) >> 1;
    for (let y = 0; y < small.height; y++)
      out.data.set(small.data.subarray(y * small.width * 3, (y + 1) * small.width * 3), ((y + top) * SIDE + left) * 3);
    return out;
  }

  return { read, steps };
})();
