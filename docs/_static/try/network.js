/* A trained network, computed by hand: a lesson to read. Nothing here but additions,
   multiplications, and the larger of two numbers.

   Feature maps are {height, width, channels, data}; of one place all channels stand side by side:
   the value of map f at row y and column x is data[(y * width + x) * channels + f]. */
"use strict";

const Network = (() => {
  /* The numbers of a text in base64 that holds them in 16 bits each: 1 bit for the sign, 5 for the
     exponent, 10 for what stands behind the point. */
  function numbers(base64) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const found = new Float32Array(bytes.length / 2);
    for (let i = 0; i < found.length; i++) {
      const bits = bytes[2 * i] + 256 * bytes[2 * i + 1];
      const exponent = (bits >> 10) & 31, rest = bits & 1023;
      const size = exponent ? 2 ** (exponent - 15) * (1 + rest / 1024) : 2 ** -24 * rest;
      found[i] = bits >> 15 ? -size : size;
    }
    return found;
  }

  function maps(height, width, channels) {
    return { height, width, channels, data: new Float32Array(height * width * channels) };
  }

  const rectified = (out) => {
    for (let i = 0; i < out.data.length; i++) if (out.data[i] < 0) out.data[i] = 0;
    return out;
  };

  /* A kernel for each new map slides over all old maps at once; at each place it gives the sum of
     what it covers, each value times its weight. With the padding "same", zeros lie around. */
  function convolve(input, layer) {
    const [kernel, bias] = layer.numbers, [size, , channels, filters] = layer.weights[0];
    const around = layer.padding === "same" ? (size - 1) >> 1 : 0;
    const lost = layer.padding === "same" ? 0 : size - 1;
    const out = maps(input.height - lost, input.width - lost, filters);
    for (let y = 0; y < out.height; y++) for (let x = 0; x < out.width; x++) {
      const to = (y * out.width + x) * filters;
      for (let f = 0; bias && f < filters; f++) out.data[to + f] = bias[f];
      for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) {
        const row = y + i - around, column = x + j - around;
        if (row < 0 || column < 0 || row >= input.height || column >= input.width) continue;
        const from = (row * input.width + column) * channels;
        for (let c = 0; c < channels; c++) {
          const value = input.data[from + c];
          if (value === 0) continue; // half of all values are, behind a ReLU
          const weight = ((i * size + j) * channels + c) * filters;
          for (let f = 0; f < filters; f++) out.data[to + f] += value * kernel[weight + f];
        }
      }
    }
    return out;
  }

  /* The largest of each 2 x 2 values. */
  function pool(input, layer) {
    const [high, wide] = layer.pool_size, channels = input.channels;
    const out = maps(Math.floor(input.height / high), Math.floor(input.width / wide), channels);
    out.data.fill(-Infinity);
    for (let y = 0; y < out.height * high; y++) for (let x = 0; x < out.width * wide; x++) {
      const from = (y * input.width + x) * channels;
      const to = (Math.floor(y / high) * out.width + Math.floor(x / wide)) * channels;
      for (let c = 0; c < channels; c++)
        if (input.data[from + c] > out.data[to + c]) out.data[to + c] = input.data[from + c];
    }
    return out;
  }

  /* Each map, shifted and stretched to the mean and deviation that training has found best. */
  function normalise(input, layer) {
    const [gamma, beta, mean, variance] = layer.numbers, out = maps(input.height, input.width, input.channels);
    const scale = gamma.map((g, c) => g / Math.sqrt(variance[c] + layer.epsilon));
    for (let i = 0; i < out.data.length; i++) {
      const c = i % input.channels;
      out.data[i] = (input.data[i] - mean[c]) * scale[c] + beta[c];
    }
    return out;
  }

  const largest = (input) =>
    pool(input, { pool_size: [input.height, input.width] });

  const flat = (input) => ({ height: 1, width: 1, channels: input.data.length, data: input.data });

  /* Each unit sums all its inputs, each times its weight. */
  function dense(input, layer) {
    const [kernel, bias] = layer.numbers, units = bias.length, out = maps(1, 1, units);
    out.data.set(bias);
    for (let c = 0; c < input.data.length; c++)
      for (let f = 0; f < units; f++) out.data[f] += input.data[c] * kernel[c * units + f];
    return out;
  }

  const KINDS = {
    Conv2D: convolve,
    MaxPooling2D: pool,
    BatchNormalization: normalise,
    Activation: (input) => ({ ...input, data: input.data.slice() }),
    GlobalMaxPooling2D: largest,
    Flatten: flat,
    Dense: dense,
  };

  /* A network from its model card, whose weights are a text in base64: its layers with their
     numbers, each array in its place. */
  function load(card) {
    const all = numbers(card.base64);
    let taken = 0;
    const layers = card.layers.map((layer) => ({
      ...layer,
      numbers: layer.weights.map((shape) => {
        const count = shape.reduce((a, b) => a * b, 1);
        return all.subarray(taken, (taken += count));
      }),
    }));
    return { ...card, layers };
  }

  /* What comes out of every layer for an image of 28 x 28 values from 0 to 255. The last are the
     scores of the ten classes, not yet probabilities. */
  function run(network, image) {
    let now = { height: 28, width: 28, channels: 1, data: Float32Array.from(image, (v) => v / 255) };
    return network.layers.map((layer) => {
      now = KINDS[layer.kind](now, layer);
      return layer.activation === "relu" ? (now = rectified(now)) : now;
    });
  }

  /* The softmax: scores become probabilities. A temperature above 1 brings them closer together. */
  function softmax(scores, temperature = 1) {
    const highest = Math.max(...scores);
    const powers = Array.from(scores, (score) => Math.exp((score - highest) / temperature));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  }

  const probabilities = (network, image, temperature = 1) =>
    softmax(run(network, image).at(-1).data, temperature);

  return { load, run, softmax, probabilities };
})();
