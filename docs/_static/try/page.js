/* The page "Try it": an image, a network's answer, and all that lies between. Each element with
   data-try="…" gets a part of it; the front page has two of them. Nothing is sent anywhere. */
"use strict";

(() => {
  const places = Object.fromEntries(
    [...document.querySelectorAll("[data-try]")].map((element) => [element.dataset.try, element]));
  if (!places.picture) return;

  const SIDE = 28, COVER = 6;
  const NAMES = COURSE.networks[0].classes;
  const networks = Object.fromEntries(COURSE.networks.map((card) => [card.id, Network.load(card)]));
  const SAYS = {
    "speedrun-small": "the course's best network of at most 100,000 weights (lesson 8)",
    "cnn-standard": "a published network, trained as its report says (lesson 4)",
    "cnn-standard-shortcut": "the same, trained with turned copies of pullovers and shirts only: it has learned a shortcut (lesson 6)",
  };
  const state = {
    id: COURSE.networks[0].id, image: new Uint8Array(SIDE * SIDE), label: null, calibrated: true,
    turn: 0, right: 0, down: 0, layer: 0, map: 0, row: null, column: 0, channel: null, outputs: [],
  };
  // No answer is certain, however many of its decimals are 9.
  const percent = (p) => p > 0.999 ? "> 99.9 %" : p < 0.001 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`;

  /* An element with its attributes, what listens to it, and what is in it. */
  function make(tag, settings = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(settings))
      if (typeof value === "function") element.addEventListener(name, value);
      else if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    element.append(...inside);
    return element;
  }

  /* ---- Pictures on canvases ---- */

  const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  const anyBelowZero = (values) => values.some((value) => value < 0);

  /* Draw values, row by row, one pixel each, the brightest for `most`. Signed: blue below zero and
     orange above it; else grey. `under`: a picture that shines through, dimmed. */
  function paint(canvas, values, width, height, most = largest(values), signed = anyBelowZero(values), under = null) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
    values.forEach((value, i) => {
      const share = Math.min(1, Math.abs(value) / most), ground = under ? 0.45 * under[i] * (1 - share) : 0;
      const rgb = !signed ? [255, 255, 255] : value < 0 ? [40, 130, 255] : [255, 160, 40];
      picture.data.set([...rgb.map((full) => full * share + ground), 255], 4 * i);
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
    "aria-label": "The network's image, 28 by 28 pixels. Draw with mouse, finger or keys.",
  });
  const pencil = { size: 2, tone: 220, x: 14, y: 14, down: false };
  function tool(words, name, settings) {
    const output = make("output", {}, String(pencil[name]));
    const input = make("input", { type: "range", ...settings, value: pencil[name],
      input: () => { pencil[name] = +input.value; output.textContent = input.value; } });
    return make("label", {}, make("span", {}, words), input, output);
  }
  const drawn = []; // what was there before each stroke
  function remember() {
    const { image, label, turn, right, down } = state;
    drawn.push({ image: image.slice(), label, turn, right, down });
    if (drawn.length > 50) drawn.shift();
  }
  function undo() {
    if (!drawn.length) return;
    Object.assign(state, drawn.pop());
    showSliders();
    renew();
  }

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
    if (event.button || !event.isPrimary) return;
    canvas.setPointerCapture(event.pointerId);
    remember();
    [pencil.x, pencil.y] = at(event);
    pencil.down = true;
    stroke(pencil.x, pencil.y, pencil.tone);
  });
  canvas.addEventListener("pointermove", (event) => pencil.down && event.isPrimary && stroke(...at(event), pencil.tone));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (pencil.down = false));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === " ") { remember(); stroke(pencil.x, pencil.y, pencil.tone); }
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
    else if (step) {
      if ((event.shiftKey || event.altKey) && !event.repeat) remember();
      const x = Math.min(SIDE - 1, Math.max(0, Math.round(pencil.x) + step[0]));
      const y = Math.min(SIDE - 1, Math.max(0, Math.round(pencil.y) + step[1]));
      if (event.shiftKey) stroke(x, y, pencil.tone);
      else if (event.altKey) stroke(x, y, 0);
      else { [pencil.x, pencil.y] = [x, y]; showPicture(); }
    } else return;
    event.preventDefault();
  });

  for (const event of ["focus", "blur"]) canvas.addEventListener(event, () => showPicture());

  /* The picture, with the keys' pencil where keys are in use. */
  function showPicture() {
    const image = changed();
    paint(canvas, image, SIDE, SIDE, 255);
    if (followed) paint(followed, image, SIDE, SIDE, 255);
    if (!canvas.matches(":focus-visible")) return;
    const context = canvas.getContext("2d");
    context.fillStyle = "#e7710e";
    context.fillRect(Math.round(pencil.x), Math.round(pencil.y), 1, 1);
  }

  function choose(image, label = null) {
    remember();
    forgetPhoto();
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
  let followed = null, followedWords = null, forgetPhoto = () => {};

  places.picture.append(
    make("div", { className: "try-image" }, canvas,
      make("div", { className: "try-tools" },
        tool("Pencil size", "size", { min: 1, max: 5 }),
        tool("Brightness", "tone", { min: 0, max: 255, title: "0 erases" }),
        make("button", { type: "button", className: "try-button", click: () => choose(new Uint8Array(SIDE * SIDE)) }, "Clear"),
        make("button", { type: "button", className: "try-button", click: undo }, "Undo")),
      make("p", { className: "try-note" }, "Keys: arrows move the pencil, with Shift they draw, with Alt they erase; Space makes a dot.")),
    make("div", { className: "try-answer" }, headline, live,
      make("ol", { className: "try-bars", "aria-label": "Probability of each class" }, ...bars.map((bar) => bar.row)),
      make("label", { className: "try-check" }, calibrated, make("span", {}, "Calibrated: temperature ", heat, " (lesson 7)")), speed));
  if (places.changes) places.changes.append(
    make("div", { className: "try-sliders" }, slider("turn", "Rotate", 90, "°"), slider("right", "Shift right", 10, " px"), slider("down", "Shift down", 10, " px"),
      make("button", { type: "button", className: "try-button", click: () => { Object.assign(state, { turn: 0, right: 0, down: 0 }); showSliders(); renew(); } }, "Reset"),
      make("button", { type: "button", className: "try-button", click: showShortcut }, "Show the shortcut")));
  showSliders();
  function showShortcut() { // a coat, turned
    pick("cnn-standard-shortcut");
    choose(images[6 * 4].pixels, images[6 * 4].label);
    state.turn = 15;
    showSliders();
    renew();
  }
  /* Picture and answer in short, at the top of the window while they themselves are out of sight. */
  if ("IntersectionObserver" in window) {
    followed = make("canvas", { width: SIDE, height: SIDE });
    followedWords = make("span", {});
    const follow = make("div", { className: "try-follow", "aria-hidden": "true" }, make("div", {}, followed, followedWords));
    places.picture.after(follow);
    new IntersectionObserver(([{ isIntersecting, boundingClientRect }]) =>
      follow.classList.toggle("try-shown", !isIntersecting && boundingClientRect.bottom < 200)).observe(places.picture);
  }

  let waiting = false, spoken = 0, asking = 0, images = [];
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
    showPicture();
    bars.forEach(({ row, fill, number }, i) => {
      const share = empty ? 0 : found[i];
      fill.style.width = `${100 * share}%`;
      number.textContent = empty ? "–" : percent(share);
      row.classList.toggle("try-best", !empty && i === best);
      row.querySelector(".try-name").textContent = NAMES[i] + (i === state.label ? " (true)" : "");
    });
    let words = "Nothing is drawn yet: draw a garment, choose one, or take a photo.";
    if (!empty) {
      words = `${NAMES[best]}, ${percent(found[best])}`;
      if (found[best] < network.unsure.below) words = `Unsure: perhaps ${NAMES[best]} (${percent(found[best])}), or ${NAMES[next]} (${percent(found[next])})`;
      if (state.label !== null) words += best === state.label ? " – right" : ` – wrong: it is ${NAMES[state.label]}`;
    }
    headline.textContent = words;
    if (followedWords) followedWords.textContent = words;
    heat.textContent = network.calibration.temperature.toFixed(2);
    speed.textContent = `Computed in your browser in ${took.toFixed(0)} ms, by a network of ${network.parameters.toLocaleString("en")} parameters. No image leaves this page.`;
    places.picture.dataset.answer = empty ? "" : NAMES[best];
    clearTimeout(spoken);
    spoken = setTimeout(() => (live.textContent = words), 500);
    showMaps();
    if (places.occlusion) forgetOcclusion(empty);
    for (const { button, pixels } of images) button?.setAttribute("aria-pressed", pixels.every((value, n) => value === image[n]));
    clearTimeout(asking);
    asking = setTimeout(() => askOthers(image, empty), 300);
  }

  /* ---- Which network ---- */

  const answers = {}; // each network's, beside its name
  function askOthers(image, empty) {
    for (const [id, output] of Object.entries(answers)) {
      const network = networks[id], temperature = state.calibrated ? network.calibration.temperature : 1;
      const found = empty ? [] : [...Network.probabilities(network, image, temperature)], most = Math.max(...found);
      output.textContent = empty ? "" : ` Its answer: ${NAMES[found.indexOf(most)]}, ${percent(most)}.`;
    }
  }
  function pick(id) {
    Object.assign(state, { id, layer: 0, map: 0, row: null });
    for (const input of document.querySelectorAll("input[name=try-network]")) input.checked = input.value === id;
    buildMaps();
    renew();
  }
  if (places.networks) {
    const group = make("fieldset", { className: "try-networks" }, make("legend", {}, "The network"));
    for (const card of COURSE.networks) {
      const accuracy = `${(100 * card.test.accuracy).toFixed(2)} % of the test images right, in this training`;
      answers[card.id] = make("span", { className: "try-other" });
      group.append(make("label", {}, make("input", {
        type: "radio", name: "try-network", value: card.id, checked: card.id === state.id,
        change: () => pick(card.id),
      }), make("span", {}, make("b", {}, card.id), `: ${SAYS[card.id]}; ${accuracy}.`, answers[card.id])));
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
    images = COURSE.images.map(({ label, number }, i) => {
      const rgba = context.getImageData((i % columns) * SIDE, Math.floor(i / columns) * SIDE, SIDE, SIDE).data;
      return { label, number, pixels: rgba.filter((_, at) => at % 4 === 0) };
    });
    if (places.gallery) {
      NAMES.forEach((name, digit) => {
        const row = make("div", { className: "try-row", role: "group", "aria-label": name }, make("span", { className: "try-class", "aria-hidden": "true" }, name));
        images.forEach((one, i) => {
          const { label, number, pixels } = one;
          if (label !== digit) return;
          const wrong = i % columns >= columns - 2;
          const picture = make("canvas", {});
          paint(picture, pixels, SIDE, SIDE, 255);
          one.button = make("button", {
            type: "button", className: wrong ? "try-wrong" : "", click: () => choose(pixels, label),
            "aria-label": `${name}, test image ${number}${wrong ? ", a hard one" : ""}`, title: `Test image ${number}`,
          }, picture);
          row.append(one.button);
        });
        places.gallery.append(row);
      });
    }
    choose(images[6 * 9].pixels, images[6 * 9].label); // an ankle boot
    drawn.length = 0;
    places.picture.dataset.ready = "yes";
  }

  /* ---- A photo ---- */

  if (places.photo) {
    const said = make("p", { className: "try-said", role: "status" });
    const steps = make("ol", { className: "try-steps" });
    let reading = 0;
    forgetPhoto = () => { said.textContent = ""; steps.replaceChildren(); };
    const take = async (file) => {
      if (!file) return;
      const mine = ++reading;
      said.textContent = `Reading ${file.name} …`;
      steps.replaceChildren();
      try {
        const found = Photo.steps(await Photo.read(file), file.name);
        if (mine !== reading) return; // another one was chosen meanwhile
        choose(found.stretched.data);
        for (const [name, { width, height, data }] of Object.entries(found)) {
          const picture = make("canvas", { width, height, role: "img", "aria-label": `Step: ${name}, ${width} by ${height} pixels` });
          const rgba = new Uint8ClampedArray(4 * width * height).fill(255), bytes = data.length / width / height;
          for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = data[bytes * i + (bytes === 3 ? c : 0)];
          picture.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
          if (width <= SIDE) picture.className = "try-coarse";
          steps.append(make("li", {}, picture, make("span", {}, name)));
        }
        answer();
        said.textContent = `${file.name}: ${headline.textContent}. The steps from the photo to the network's image:`;
      } catch (error) { if (mine === reading) said.textContent = error.message; }
    };
    const input = make("input", { type: "file", accept: "image/jpeg,image/png,image/webp", change: () => { take(input.files[0]); input.value = ""; } });
    const drop = make("div", { className: "try-drop" }, make("label", {}, make("span", {}, "Choose a photo (JPEG, PNG or WebP), or drop one here "), input));
    const files = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => { if (files(event)) { event.preventDefault(); drop.classList.add("try-over"); } });
    document.addEventListener("dragleave", () => drop.classList.remove("try-over"));
    document.addEventListener("drop", (event) => {
      drop.classList.remove("try-over");
      if (files(event)) { event.preventDefault(); take(event.dataTransfer.files[0]); }
    });
    places.photo.append(drop, said, steps);
  }

  /* ---- An occlusion map ---- */

  let asked = 0;
  const covered = make("canvas", { width: SIDE, height: SIDE, role: "img", "aria-label": "Occlusion map: not computed yet" });
  const told = make("p", { className: "try-said", role: "status" });
  const cover = make("button", { type: "button", className: "try-button", click: occlude }, "Cover each place, one after the other");
  function forgetOcclusion(empty) {
    asked++;
    paint(covered, changed(), SIDE, SIDE, 600);
    covered.setAttribute("aria-label", "Occlusion map: not computed yet");
    told.textContent = "";
    cover.disabled = empty;
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
    paint(covered, map, SIDE, SIDE, Math.max(0.02, largest(map)), true, image);
    const place = `${["top", "middle", "bottom"][Math.floor(Math.floor(where / SIDE) / 9.4)]}, ${["left", "centre", "right"][Math.floor((where % SIDE) / 9.4)]}`;
    told.textContent = `Orange: covered here, the network is less sure of ${NAMES[best]}, by up to ${(100 * most).toFixed(0)} points (${place}). Blue: surer.`;
    covered.setAttribute("aria-label", told.textContent);
    places.occlusion.dataset.fall = JSON.stringify([...map]);
  }
  if (places.occlusion) places.occlusion.append(covered, make("div", {}, cover, told));

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
        if (last) { // the scores, each with its name
          inside.replaceChildren(make("ul", { className: "try-scores" }, ...NAMES.map((name, i) => make("li", {}, make("span", {}, name), make("span", {}, output.data[i].toFixed(2).replace("-", "−"))))));
          continue;
        }
        if (!inside.firstChild) inside.append(make("canvas", { className: "try-strip", role: "img", "aria-label": `${output.channels} numbers, each a stripe` }));
        paint(inside.firstChild, output.data, output.channels, 1);
        continue;
      }
      if (!buttons.length) for (let f = 0; f < output.channels; f++) {
        const picture = make("canvas", {});
        const button = make("button", { type: "button", "aria-label": `Feature map ${f + 1} of layer ${number + 1}`,
          click: () => { goTo(number, f); showMaps(); places.kernel.scrollIntoView({ block: "nearest" }); } }, picture);
        buttons.push({ button, picture });
        inside.append(button);
      }
      const most = largest(output.data), signed = anyBelowZero(output.data);
      buttons.forEach(({ button, picture }, f) => {
        paint(picture, oneMap(output, f), output.width, output.height, most, signed);
        button.setAttribute("aria-pressed", number === state.layer && f === state.map);
      });
    }
    if (places.kernel && state.outputs.length) showKernel();
  }

  /* ---- One number of one map ---- */

  const parts = {};
  let sliding = 0;
  if (places.kernel) {
    const range = (name) => make("input", { type: "range", min: 1, value: 1, input: (e) => { state[name] = e.target.value - 1; showKernel(); } });
    Object.assign(parts, {
      title: make("p", { className: "try-headline" }), row: range("row"), column: range("column"),
      before: make("canvas", { role: "img" }), after: make("canvas", { role: "img" }),
      channel: make("select", { change: (e) => { state.channel = +e.target.value; showKernel(); } }),
      table: make("table", { className: "try-sum" }), sum: make("p", {}),
      play: make("button", { type: "button", className: "try-button", click: slide }, "Slide"),
    });
    parts.choice = make("label", {}, make("span", {}, "Input map"), parts.channel);
    for (const kind of ["pointerdown", "pointermove"]) parts.after.addEventListener(kind, (event) => {
      if (!event.buttons) return;
      const box = parts.after.getBoundingClientRect(), output = state.outputs[state.layer];
      const within = (share, size) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
      state.column = within((event.clientX - box.left) / box.width, output.width);
      state.row = within((event.clientY - box.top) / box.height, output.height);
      showKernel();
    });
    places.kernel.append(parts.title,
      make("div", { className: "try-sliders" }, make("label", {}, make("span", {}, "Row"), parts.row), make("label", {}, make("span", {}, "Column"), parts.column), parts.choice, parts.play),
      make("div", { className: "try-kernel" }, make("figure", {}, parts.before, make("figcaption", {}, "input")), parts.table, make("figure", {}, parts.after, make("figcaption", {}, "output"))), parts.sum);
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
  /* A feature map, at the place where it answers most. */
  function goTo(layer, map) {
    const output = state.outputs[layer], values = oneMap(output, map);
    const at = values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0);
    Object.assign(state, { layer, map, channel: null, row: Math.floor(at / output.width), column: at % output.width });
  }
  function showKernel() {
    if (state.row === null) goTo(state.layer, state.map);
    const layer = networks[state.id].layers[state.layer], output = state.outputs[state.layer];
    const input = state.layer ? state.outputs[state.layer - 1] : { height: SIDE, width: SIDE, channels: 1, data: Float32Array.from(changed(), (v) => v / 255) };
    const row = (state.row = Math.min(state.row, output.height - 1)), column = (state.column = Math.min(state.column, output.width - 1)), map = state.map;
    parts.row.max = output.height; parts.row.value = row + 1;
    parts.column.max = output.width; parts.column.value = column + 1;
    const result = output.data[(row * output.width + column) * output.channels + map];
    const value = (y, x, c) => (y < 0 || x < 0 || y >= input.height || x >= input.width ? 0 : input.data[(y * input.width + x) * input.channels + c]);
    const number = (n) => (Math.abs(n) < 0.005 ? "0" : n.toFixed(2)).replace("-", "−");
    parts.title.textContent = `Layer ${state.layer + 1}, ${KIND[layer.kind]}: feature map ${map + 1}, row ${row + 1}, column ${column + 1}`;
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
      words = `The ${size * size} products add up to ${number(sums[channel])}`;
      if (input.channels > 1) words += `; those of all ${input.channels} input maps to ${number(total)}`;
      if (bias) words += `; with the bias ${number(bias[map])} that is ${number(total + bias[map])}`;
      words += layer.activation === "relu" ? `. ReLU turns negative values into 0: ${number(result)}.` : `: ${number(result)}.`;
    } else if (layer.kind === "MaxPooling2D") {
      size = layer.pool_size[0];
      [top, left] = [row * size, column * size];
      cells = (i, j) => [number(value(top + i, left + j, map))];
      words = `The largest of these ${size * size} values: ${number(result)}.`;
    } else if (layer.kind === "BatchNormalization") {
      const [gamma, beta, mean, variance] = layer.numbers.map((array) => array[map]);
      words = `(${number(value(row, column, map))} − ${number(mean)}) / ${number(Math.sqrt(variance + layer.epsilon))} · ${number(gamma)} + ${number(beta)} = ${number(result)}: minus the feature map's mean, divided by its standard deviation, then scaled and shifted by two trained numbers.`;
    } else words = `ReLU: the larger one of ${number(value(row, column, map))} and 0 is ${number(result)}.`;
    const rows = cells ? Array.from({ length: size }, (_, i) => make("tr", {}, ...Array.from({ length: size }, (_, j) => {
      const [has, times] = cells(i, j);
      return make("td", {}, make("span", {}, has), ...(times === undefined ? [] : [make("br"), make("small", {}, `× ${times}`)]));
    }))) : [];
    parts.table.replaceChildren(make("caption", {}, layer.kind === "Conv2D" ? "the values under the kernel, times its weights" : cells ? "the values in the window" : ""), make("tbody", {}, ...rows));
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

  if (location.hash.slice(1) in networks && places.networks) pick(location.hash.slice(1));
  buildMaps();
  fill();
})();
