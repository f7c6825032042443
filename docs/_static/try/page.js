/* The page "Try it": an image, a network's answer, and all that lies between. Each element with
   data-try="…" gets a part of it; the front page has two of them. Nothing is sent anywhere. */
"use strict";

(() => {
  const places = Object.fromEntries(
    [...document.querySelectorAll("[data-try]")].map((element) => [element.dataset.try, element]));
  if (!places.picture) return;

  const SIDE = 28, COVER = 6, SURE = 0.6;
  const NAMES = COURSE.networks[0].classes;
  const networks = Object.fromEntries(COURSE.networks.map((card) => [card.id, Network.load(card)]));
  const SAYS = {
    "speedrun-small": "the course's best network of at most 100,000 weights (lesson 8)",
    "cnn-standard": "a published network, trained as its report says (lesson 4)",
    "cnn-standard-shortcut": "the same, trained with turned copies of pullovers and shirts only: it has learned a shortcut (lesson 6)",
  };
  const state = {
    id: COURSE.networks[0].id, image: new Uint8Array(SIDE * SIDE), label: null, calibrated: true,
    turn: 0, right: 0, down: 0, layer: 0, map: 0, row: 0, column: 0, channel: null, outputs: [],
  };
  const percent = (p) => `${(100 * p).toFixed(p > 0.9995 ? 0 : 1)} %`;

  /* An element with its attributes, what listens to it, and what is in it. */
  function make(tag, settings = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(settings))
      if (typeof value === "function") element.addEventListener(name, value);
      else if (name in element && name !== "list") element[name] = value;
      else element.setAttribute(name, value);
    element.append(...inside);
    return element;
  }

  /* ---- Pictures on canvases ---- */

  /* Draw values, row by row, one pixel each. Where some are below zero, these are blue and those
     above it orange; else all are grey. */
  function paint(canvas, values, width, height, most = null, colour = (v) => [v, v, v]) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
    let limit = most ?? 1e-9, signed = false;
    for (const value of values) {
      if (most === null) limit = Math.max(limit, Math.abs(value));
      signed ||= value < 0;
    }
    values.forEach((value, i) => {
      const share = Math.min(1, Math.abs(value) / limit);
      const rgb = !signed ? colour(255 * share)
        : value < 0 ? [40 * share, 130 * share, 255 * share] : [255 * share, 160 * share, 40 * share];
      picture.data.set([...rgb, 255], 4 * i);
    });
    context.putImageData(picture, 0, 0);
  }
  const oneMap = (output, f) => {
    const values = new Float32Array(output.height * output.width);
    for (let i = 0; i < values.length; i++) values[i] = output.data[i * output.channels + f];
    return values;
  };

  /* The image, turned about its middle and shifted; between pixels, the mean of four, weighted. */
  function changed() {
    if (!state.turn && !state.right && !state.down) return state.image;
    const angle = (state.turn * Math.PI) / 180, cos = Math.cos(angle), sin = Math.sin(angle), m = (SIDE - 1) / 2;
    const value = (x, y) => (x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : state.image[y * SIDE + x]);
    return Uint8Array.from({ length: SIDE * SIDE }, (_, n) => {
      const dx = (n % SIDE) - m - state.right, dy = Math.floor(n / SIDE) - m - state.down;
      const x = cos * dx + sin * dy + m, y = cos * dy - sin * dx + m;
      const left = Math.floor(x), top = Math.floor(y), a = x - left, b = y - top;
      return Math.round((1 - b) * ((1 - a) * value(left, top) + a * value(left + 1, top)) +
        b * ((1 - a) * value(left, top + 1) + a * value(left + 1, top + 1)));
    });
  }

  /* ---- The picture, and drawing on it ---- */

  const canvas = make("canvas", {
    className: "try-canvas", tabIndex: 0, role: "application", width: SIDE, height: SIDE,
    "aria-label": "The network's image, 28 by 28 pixels. Draw with mouse or finger; or move the pencil with the arrow keys, and hold Shift to draw, Alt to erase.",
  });
  const pencil = { size: 2, tone: 220, x: 14, y: 14, down: false };
  const tone = make("input", { type: "range", min: 0, max: 255, value: pencil.tone, input: (e) => (pencil.tone = +e.target.value) });
  const size = make("input", { type: "range", min: 1, max: 5, value: pencil.size, input: (e) => (pencil.size = +e.target.value) });

  function dot(x, y, value) {
    const reach = pencil.size / 2;
    for (let row = 0; row < SIDE; row++) for (let column = 0; column < SIDE; column++) {
      const far = Math.hypot(column - x, row - y);
      if (far < reach + 0.35) state.image[row * SIDE + column] = value;
    }
  }
  function stroke(x, y, value) {
    settle();
    const long = Math.max(1, Math.ceil(2 * Math.hypot(x - pencil.x, y - pencil.y)));
    for (let i = 1; i <= long; i++) dot(pencil.x + ((x - pencil.x) * i) / long, pencil.y + ((y - pencil.y) * i) / long, value);
    [pencil.x, pencil.y, state.label] = [x, y, null];
    renew();
  }
  /* What is seen becomes the image that is drawn on. */
  function settle() {
    state.image = changed().slice();
    [state.turn, state.right, state.down] = [0, 0, 0];
    showSliders();
  }
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE - 0.5, ((event.clientY - box.top) / box.height) * SIDE - 0.5];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    [pencil.x, pencil.y] = at(event);
    pencil.down = true;
    stroke(pencil.x, pencil.y, pencil.tone);
  });
  canvas.addEventListener("pointermove", (event) => pencil.down && stroke(...at(event), pencil.tone));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (pencil.down = false));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === " ") stroke(pencil.x, pencil.y, pencil.tone);
    else if (step) {
      const x = Math.min(SIDE - 1, Math.max(0, Math.round(pencil.x) + step[0]));
      const y = Math.min(SIDE - 1, Math.max(0, Math.round(pencil.y) + step[1]));
      if (event.shiftKey) stroke(x, y, pencil.tone);
      else if (event.altKey) stroke(x, y, 0);
      else { [pencil.x, pencil.y] = [x, y]; renew(); }
    } else return;
    event.preventDefault();
  });

  function choose(image, label = null) {
    Object.assign(state, { image: Uint8Array.from(image), label, turn: 0, right: 0, down: 0 });
    showSliders();
    renew();
  }

  const sliders = {};
  function slider(name, words, most, unit) {
    const output = make("output", {});
    const input = make("input", {
      type: "range", min: -most, max: most, value: 0,
      input: () => { state[name] = +input.value; showSliders(); renew(); },
    });
    sliders[name] = () => { input.value = state[name]; output.textContent = `${state[name]}${unit}`; };
    return make("label", {}, make("span", {}, words), input, output);
  }
  const showSliders = () => Object.values(sliders).forEach((show) => show());

  /* ---- The answer ---- */

  const headline = make("p", { className: "try-headline" });
  const live = make("p", { className: "visually-hidden", role: "status" });
  const bars = NAMES.map((name) => {
    const fill = make("span", { className: "try-fill" }), number = make("span", { className: "try-number" });
    const row = make("li", {}, make("span", { className: "try-name" }, name), make("span", { className: "try-track", "aria-hidden": "true" }, fill), number);
    return { row, fill, number };
  });
  const speed = make("p", { className: "try-note" });
  const calibrated = make("input", { type: "checkbox", checked: true, change: () => { state.calibrated = calibrated.checked; renew(); } });
  const heat = make("span", {});

  places.picture.append(
    make("div", { className: "try-image" }, canvas,
      make("div", { className: "try-tools" },
        make("label", {}, make("span", {}, "Pencil"), size),
        make("label", {}, make("span", {}, "Brightness"), tone),
        make("button", { type: "button", className: "try-button", click: () => choose(new Uint8Array(SIDE * SIDE)) }, "Clear, and draw"))),
    make("div", { className: "try-answer" }, headline, live,
      make("ol", { className: "try-bars", "aria-label": "Probability of each class" }, ...bars.map((bar) => bar.row)),
      make("label", { className: "try-check" }, calibrated, make("span", {}, "at the temperature ", heat)), speed));
  if (places.changes) places.changes.append(
    make("div", { className: "try-sliders" }, slider("turn", "Rotate", 90, "°"), slider("right", "Shift right", 10, " px"), slider("down", "Shift down", 10, " px"),
      make("button", { type: "button", className: "try-button", click: () => { Object.assign(state, { turn: 0, right: 0, down: 0 }); showSliders(); renew(); } }, "Back")));
  showSliders();

  let waiting = false, spoken = 0;
  function renew() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; answer(); });
  }

  function answer() {
    const image = changed(), network = networks[state.id], begun = performance.now();
    state.outputs = Network.run(network, image);
    const temperature = state.calibrated ? network.calibration.temperature : 1;
    const found = Network.softmax(state.outputs.at(-1).data, temperature);
    const took = performance.now() - begun;
    const order = NAMES.map((_, i) => i).sort((a, b) => found[b] - found[a]);
    const [best, next] = order, empty = image.every((value) => value === 0);
    paint(canvas, image, SIDE, SIDE, 255);
    if (document.activeElement === canvas) { // where the pencil is
      const context = canvas.getContext("2d");
      context.fillStyle = "#e7710e";
      context.fillRect(Math.round(pencil.x), Math.round(pencil.y), 1, 1);
    }
    bars.forEach(({ row, fill, number }, i) => {
      const share = empty ? 0 : found[i];
      fill.style.width = `${100 * share}%`;
      number.textContent = empty ? "–" : percent(share);
      row.classList.toggle("try-best", !empty && i === best);
      row.classList.toggle("try-true", i === state.label);
      row.querySelector(".try-name").textContent = NAMES[i] + (i === state.label ? " (true)" : "");
    });
    let words = "Nothing is drawn yet: draw a garment, choose one, or take a photo.";
    if (!empty) {
      words = `${NAMES[best]}, ${percent(found[best])}`;
      if (found[best] < SURE) words = `Unsure: perhaps ${NAMES[best]} (${percent(found[best])}), or ${NAMES[next]} (${percent(found[next])})`;
      if (state.label !== null) words += best === state.label ? " – right" : ` – wrong: it is ${NAMES[state.label]}`;
    }
    headline.textContent = words;
    heat.textContent = `${network.calibration.temperature.toFixed(2)} that makes it as sure as it is right`;
    speed.textContent = `Computed in ${took.toFixed(0)} ms, here, by ${network.parameters.toLocaleString("en")} weights. No image leaves this page.`;
    places.picture.dataset.answer = empty ? "" : NAMES[best];
    clearTimeout(spoken);
    spoken = setTimeout(() => (live.textContent = words), 500);
    showMaps();
    if (places.occlusion) forgetOcclusion();
  }

  /* ---- Which network ---- */

  if (places.networks) {
    const group = make("fieldset", { className: "try-networks" }, make("legend", {}, "The network"));
    for (const card of COURSE.networks) {
      const accuracy = `${(100 * card.test.accuracy).toFixed(1)} % of the test images right`;
      group.append(make("label", {}, make("input", {
        type: "radio", name: "try-network", value: card.id, checked: card.id === state.id,
        change: () => { Object.assign(state, { id: card.id, layer: 0, map: 0, row: 0, column: 0, channel: null }); buildMaps(); renew(); },
      }), make("span", {}, make("b", {}, card.id), ` ${SAYS[card.id]}; ${accuracy}`)));
    }
    places.networks.append(group);
  }

  /* ---- Sixty test images ---- */

  const sprite = new Image();
  sprite.src = COURSE.sprite;
  const columns = COURSE.images.length / NAMES.length;
  async function fill() {
    await sprite.decode();
    const whole = make("canvas", { width: sprite.width, height: sprite.height });
    const context = whole.getContext("2d", { willReadFrequently: true });
    context.drawImage(sprite, 0, 0);
    const images = COURSE.images.map(({ label, number }, i) => {
      const rgba = context.getImageData((i % columns) * SIDE, Math.floor(i / columns) * SIDE, SIDE, SIDE).data;
      return { label, number, pixels: rgba.filter((_, at) => at % 4 === 0) };
    });
    if (places.gallery) {
      NAMES.forEach((name, digit) => {
        const row = make("div", { className: "try-row", role: "group", "aria-label": name }, make("span", { className: "try-class", "aria-hidden": "true" }, name));
        images.forEach(({ label, number, pixels }, i) => {
          if (label !== digit) return;
          const wrong = i % columns >= columns - 2;
          const picture = make("canvas", {});
          paint(picture, pixels, SIDE, SIDE, 255);
          row.append(make("button", {
            type: "button", className: wrong ? "try-wrong" : "", click: () => choose(pixels, label),
            "aria-label": `${name}, test image ${number}${wrong ? ", a hard one" : ""}`, title: `Test image ${number}`,
          }, picture));
        });
        places.gallery.append(row);
      });
    }
    choose(images[6 * 9].pixels, images[6 * 9].label); // an ankle boot
    places.picture.dataset.ready = "yes";
  }

  /* ---- A photo ---- */

  if (places.photo) {
    const said = make("p", { className: "try-said", role: "status" });
    const steps = make("ol", { className: "try-steps" });
    const take = async (file) => {
      if (!file) return;
      said.textContent = `Reading ${file.name} …`;
      steps.replaceChildren();
      try {
        const found = Photo.steps(await Photo.read(file), file.name);
        for (const [name, { width, height, data }] of Object.entries(found)) {
          const picture = make("canvas", { width, height, role: "img", "aria-label": `Step: ${name}, ${width} by ${height} pixels` });
          const rgba = new Uint8ClampedArray(4 * width * height).fill(255), bytes = data.length / width / height;
          for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = data[bytes * i + (bytes === 3 ? c : 0)];
          picture.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
          if (width <= SIDE) picture.className = "try-coarse";
          steps.append(make("li", {}, picture, make("span", {}, name)));
        }
        said.textContent = `${file.name}: from the photo to the network's image, step by step. The answer stands above.`;
        choose(found.stretched.data);
      } catch (error) { said.textContent = error.message; }
    };
    const input = make("input", { type: "file", accept: "image/jpeg,image/png,image/webp", change: () => take(input.files[0]) });
    const drop = make("div", { className: "try-drop" }, make("label", {}, make("span", {}, "Choose a photo (JPEG, PNG or WebP), or drop one here "), input));
    drop.addEventListener("dragover", (event) => event.preventDefault());
    drop.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); });
    places.photo.append(drop, said, steps);
  }

  /* ---- An occlusion map ---- */

  let asked = 0;
  const covered = make("canvas", { width: SIDE, height: SIDE, role: "img", "aria-label": "Occlusion map: not computed yet" });
  const told = make("p", { className: "try-said", role: "status" });
  function forgetOcclusion() {
    asked++;
    const image = changed();
    paint(covered, image, SIDE, SIDE, 600);
    told.textContent = "";
  }
  async function occlude() {
    const mine = ++asked, network = networks[state.id], image = changed(), fall = new Float64Array(SIDE * SIDE), times = new Float64Array(SIDE * SIDE);
    const temperature = state.calibrated ? network.calibration.temperature : 1;
    const whole = Network.probabilities(network, image, temperature), best = whole.indexOf(Math.max(...whole));
    const corners = [];
    for (let r = 0; r <= SIDE - COVER; r += 2) for (let c = 0; c <= SIDE - COVER; c += 2) corners.push([r, c]);
    for (const [number, [r, c]] of corners.entries()) {
      const hidden = image.slice(), inside = [];
      for (let y = r; y < r + COVER; y++) for (let x = c; x < c + COVER; x++) inside.push(y * SIDE + x);
      inside.forEach((n) => (hidden[n] = 0));
      const lost = whole[best] - Network.probabilities(network, hidden, temperature)[best];
      inside.forEach((n) => { fall[n] += lost; times[n]++; });
      if (number % 6 === 0) {
        told.textContent = number % 24 ? told.textContent : `${number} of ${corners.length} places covered …`;
        await new Promise((later) => setTimeout(later));
        if (mine !== asked) return;
      }
    }
    const map = fall.map((sum, n) => sum / times[n]), most = Math.max(...map), where = map.indexOf(most);
    const signed = map.map((value, n) => value + (n ? 0 : -1e-12)); // so that blue and orange are used
    paint(covered, signed, SIDE, SIDE, Math.max(0.02, ...map.map(Math.abs)));
    const place = `${["top", "middle", "bottom"][Math.floor(Math.floor(where / SIDE) / 9.4)]}, ${["left", "centre", "right"][Math.floor((where % SIDE) / 9.4)]}`;
    told.textContent = `Covered where it is orange, the image is ${NAMES[best]} with less certainty: by up to ${(100 * most).toFixed(0)} points (${place}).`;
    covered.setAttribute("aria-label", told.textContent);
    places.occlusion.dataset.fall = JSON.stringify([...map]);
  }
  if (places.occlusion) places.occlusion.append(covered,
    make("div", {}, make("button", { type: "button", className: "try-button", click: occlude }, "Cover each place, one after the other"), told));

  /* ---- Every layer's maps ---- */

  const KIND = { Conv2D: "convolution", MaxPooling2D: "pooling", BatchNormalization: "normalisation", Activation: "ReLU", GlobalMaxPooling2D: "largest value of each map", Flatten: "flattened", Dense: "dense" };
  let folds = [];
  function buildMaps() {
    if (!places.layers) return;
    folds = networks[state.id].layers.map((layer, number) => {
      const title = make("summary", {}), inside = make("div", { className: "try-maps" });
      const fold = make("details", { open: number === state.layer, toggle: showMaps }, title, inside);
      return { layer, number, fold, title, inside, buttons: [] };
    });
    places.layers.replaceChildren(...folds.map((one) => one.fold));
  }
  function showMaps() {
    for (const { layer, number, fold, title, inside, buttons } of folds) {
      const output = state.outputs[number];
      if (!output) return;
      const last = number === folds.length - 1;
      title.textContent = `${number + 1} · ${KIND[layer.kind]}${layer.activation === "relu" && layer.kind !== "Activation" ? " + ReLU" : ""}: ${output.height} × ${output.width} × ${output.channels}${last ? ", the ten scores" : ""}`;
      if (!fold.open) continue;
      if (output.height === 1) { // units: one strip
        if (!inside.firstChild) inside.append(make("canvas", { className: "try-strip", role: "img", "aria-label": `${output.channels} numbers, each a stripe` }));
        paint(inside.firstChild, output.data, output.channels, 1);
        continue;
      }
      if (!buttons.length) for (let f = 0; f < output.channels; f++) {
        const picture = make("canvas", {});
        const button = make("button", { type: "button", "aria-label": `Map ${f + 1} of layer ${number + 1}`,
          click: () => { Object.assign(state, { layer: number, map: f, channel: null }); showMaps(); places.kernel.scrollIntoView({ block: "nearest" }); } }, picture);
        buttons.push({ button, picture });
        inside.append(button);
      }
      let most = 1e-9;
      for (const value of output.data) most = Math.max(most, Math.abs(value));
      buttons.forEach(({ button, picture }, f) => {
        paint(picture, oneMap(output, f), output.width, output.height, most);
        button.setAttribute("aria-pressed", number === state.layer && f === state.map);
      });
    }
    if (places.kernel && state.outputs.length) showKernel();
  }

  /* ---- One number of one map ---- */

  const parts = {};
  let sliding = 0;
  if (places.kernel) {
    const range = (name) => make("input", { type: "range", min: 0, value: 0, input: (e) => { state[name] = +e.target.value; showKernel(); } });
    Object.assign(parts, {
      title: make("p", { className: "try-headline" }), row: range("row"), column: range("column"),
      before: make("canvas", { role: "img" }), after: make("canvas", { role: "img" }),
      channel: make("select", { change: (e) => { state.channel = +e.target.value; showKernel(); } }),
      table: make("table", { className: "try-sum" }), sum: make("p", {}),
      play: make("button", { type: "button", className: "try-button", click: slide }, "Slide"),
    });
    parts.choice = make("label", {}, make("span", {}, "Input map"), parts.channel);
    parts.after.addEventListener("click", (event) => {
      const box = parts.after.getBoundingClientRect(), output = state.outputs[state.layer];
      state.column = Math.floor(((event.clientX - box.left) / box.width) * output.width);
      state.row = Math.floor(((event.clientY - box.top) / box.height) * output.height);
      showKernel();
    });
    places.kernel.append(parts.title,
      make("div", { className: "try-sliders" }, make("label", {}, make("span", {}, "Row"), parts.row), make("label", {}, make("span", {}, "Column"), parts.column), parts.choice, parts.play),
      make("div", { className: "try-kernel" }, make("figure", {}, parts.before, make("figcaption", {}, "what goes in")), parts.table, make("figure", {}, parts.after, make("figcaption", {}, "what comes out"))), parts.sum);
  }
  function slide() {
    if (sliding) { clearInterval(sliding); sliding = 0; parts.play.textContent = "Slide"; return; }
    parts.play.textContent = "Stop";
    sliding = setInterval(() => {
      const { width, height } = state.outputs[state.layer];
      if (++state.column >= width) { state.column = 0; state.row = (state.row + 1) % height; }
      showKernel();
    }, 120);
  }
  function frame(canvas, x, y, width, height) { // a square around some pixels, on a finer grid
    const fine = 8, small = make("canvas", { width: canvas.width, height: canvas.height });
    small.getContext("2d").drawImage(canvas, 0, 0);
    canvas.width *= fine;
    canvas.height *= fine;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    context.lineWidth = 3;
    context.strokeStyle = "#ff3d7f";
    context.strokeRect(x * fine, y * fine, width * fine, height * fine);
  }
  function showKernel() {
    const layer = networks[state.id].layers[state.layer], output = state.outputs[state.layer];
    const input = state.layer ? state.outputs[state.layer - 1] : { height: SIDE, width: SIDE, channels: 1, data: Float32Array.from(changed(), (v) => v / 255) };
    const row = (state.row = Math.min(state.row, output.height - 1)), column = (state.column = Math.min(state.column, output.width - 1)), map = state.map;
    parts.row.max = output.height - 1; parts.row.value = row;
    parts.column.max = output.width - 1; parts.column.value = column;
    const result = output.data[(row * output.width + column) * output.channels + map];
    const value = (y, x, c) => (y < 0 || x < 0 || y >= input.height || x >= input.width ? 0 : input.data[(y * input.width + x) * input.channels + c]);
    const number = (n) => (Math.abs(n) < 0.005 ? "0" : n.toFixed(2)).replace("-", "−");
    parts.title.textContent = `Layer ${state.layer + 1}, ${KIND[layer.kind]}: map ${map + 1}, row ${row + 1}, column ${column + 1}`;
    let top = row, left = column, size = 1, cells = null, channel = map, words;
    parts.choice.hidden = layer.kind !== "Conv2D" || input.channels === 1;
    if (layer.kind === "Conv2D") {
      const [kernel, bias] = layer.numbers, filters = output.channels;
      size = layer.weights[0][0];
      const around = layer.padding === "same" ? (size - 1) >> 1 : 0;
      [top, left] = [row - around, column - around];
      const weight = (i, j, c) => kernel[((i * size + j) * input.channels + c) * filters + map];
      const sums = Array.from({ length: input.channels }, (_, c) => {
        let sum = 0;
        for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sum += weight(i, j, c) * value(top + i, left + j, c);
        return sum;
      });
      const order = sums.map((_, c) => c).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]));
      channel = state.channel ?? order[0];
      parts.channel.replaceChildren(...order.map((c) => make("option", { value: c, selected: c === channel }, `map ${c + 1}: adds ${number(sums[c])}`)));
      cells = (i, j) => [number(value(top + i, left + j, channel)), number(weight(i, j, channel))];
      const total = sums.reduce((a, b) => a + b, 0);
      words = `The nine products add up to ${number(sums[channel])}`;
      if (input.channels > 1) words += `; those of all ${input.channels} input maps to ${number(total)}`;
      if (bias) words += `; with the bias ${number(bias[map])} that is ${number(total + bias[map])}`;
      words += layer.activation === "relu" ? `. ReLU makes zero of what is below it: ${number(result)}.` : `: ${number(result)}.`;
    } else if (layer.kind === "MaxPooling2D" || layer.kind === "GlobalMaxPooling2D") {
      size = layer.pool_size ? layer.pool_size[0] : input.height;
      [top, left] = [row * size, column * size];
      if (size < 4) cells = (i, j) => [number(value(top + i, left + j, map))];
      words = `The largest of these ${size * size} values: ${number(result)}.`;
    } else if (layer.kind === "BatchNormalization") {
      const [gamma, beta, mean, variance] = layer.numbers.map((array) => array[map]);
      words = `(${number(value(row, column, map))} − ${number(mean)}) / ${number(Math.sqrt(variance + layer.epsilon))} · ${number(gamma)} + ${number(beta)} = ${number(result)}: less this map's mean, in its standard deviations, stretched and shifted as training has found best.`;
    } else words = `ReLU: the larger one of ${number(value(row, column, map))} and 0 is ${number(result)}.`;
    const rows = cells ? Array.from({ length: size }, (_, i) => make("tr", {}, ...Array.from({ length: size }, (_, j) => {
      const [has, times] = cells(i, j);
      return make("td", {}, make("span", {}, has), ...(times === undefined ? [] : [make("br"), make("small", {}, `× ${times}`)]));
    }))) : [];
    parts.table.replaceChildren(make("caption", {}, cells ? "the values under the kernel" + (layer.kind === "Conv2D" ? ", times its weights" : "") : ""), make("tbody", {}, ...rows));
    parts.table.hidden = !cells;
    paint(parts.before, oneMap(input, channel), input.width, input.height);
    frame(parts.before, left, top, size, size);
    paint(parts.after, oneMap(output, map), output.width, output.height);
    frame(parts.after, column, row, 1, 1);
    parts.before.setAttribute("aria-label", `Input map ${channel + 1}, ${input.height} by ${input.width}, with the kernel at row ${row + 1}, column ${column + 1}`);
    parts.after.setAttribute("aria-label", `Output map ${map + 1}, ${output.height} by ${output.width}`);
    parts.sum.textContent = words;
    places.kernel.dataset.result = result;
  }

  document.documentElement.classList.add("try-works");
  buildMaps();
  fill();
})();
