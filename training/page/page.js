// Drawing, and showing what POST /read answers. Strokes are kept as points on a paper of SIDE x SIDE, so that undoing
// is drawing the others again; what is sent is their ink, a byte for each pixel, whatever the colours on the screen.

const SIDE = 280, PEN = 20, STEP = 8;
const [paper, seen, result, bars, layers, undo, clear] =
  ["paper", "seen", "result", "bars", "layers", "undo", "clear"].map(id => document.getElementById(id));
const screen = paper.getContext("2d");
const ink = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
const dark = matchMedia("(prefers-color-scheme: dark)");

let strokes = [];      // each a list of points [x, y]
let current = null;    // the one that a pointer draws
let cursor = null;     // where the keyboard's pen is: {x, y, down}
let last = null;       // the last answer, to be shown again in other colours
let asked = false, busy = false;

for (let digit = 0; digit < 10; digit++) {
  const row = document.createElement("li");
  row.innerHTML = `<span>${digit}</span><meter min="0" max="1" value="0" aria-label="${digit}"></meter>` +
    `<span class="share"></span>`;
  bars.append(row);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(context, style) {
  context.clearRect(0, 0, SIDE, SIDE);
  Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round" });
  Object.assign(context, { strokeStyle: style, fillStyle: style });
  for (const stroke of strokes) {
    context.beginPath();
    context.arc(...stroke[0], PEN / 2, 0, 2 * Math.PI);  // a line of no length is not drawn
    context.fill();
    context.beginPath();
    for (const point of stroke) context.lineTo(...point);
    context.stroke();
  }
}

function show() {
  draw(screen, colour("--text"));
  if (cursor && document.activeElement === paper) {
    Object.assign(screen, { lineWidth: 2, strokeStyle: colour("--accent"), fillStyle: colour("--accent") });
    screen.beginPath();
    screen.arc(cursor.x, cursor.y, PEN / 2 + 2, 0, 2 * Math.PI);
    screen.stroke();
    if (cursor.down) {
      screen.beginPath();
      screen.arc(cursor.x, cursor.y, 3, 0, 2 * Math.PI);
      screen.fill();
    }
  }
  undo.disabled = clear.disabled = strokes.length === 0;
}

function changed() {
  show();
  asked = true;
  result.dataset.state = "asked";
  if (!busy) read();
}

async function read() {
  busy = true;
  while (asked) {
    asked = false;
    if (strokes.length === 0) { tell(null, "Nothing drawn yet"); continue; }
    draw(ink, "#fff");
    const pixels = ink.getImageData(0, 0, SIDE, SIDE).data;
    const body = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => pixels[4 * i + 3]);
    try {
      const answer = await fetch("read", { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body });
      const found = await answer.json();
      if (answer.ok) tell(found, `Read as ${found.digit}, ${share(found.probabilities[found.digit])}`);
      else tell(null, found.error);
    } catch {
      tell(null, "No answer: has draw.py ended?");
    }
  }
  busy = false;
}

function share(probability) {
  return `${(100 * probability).toFixed(1)} %`;
}

function tell(found, text) {
  if (asked) return;  // it is of a drawing that has changed since
  last = found;
  result.textContent = text;
  result.dataset.state = found ? "read" : "none";
  [...bars.children].forEach((row, digit) => {
    row.children[1].value = found ? found.probabilities[digit] : 0;
    row.children[2].textContent = found ? share(found.probabilities[digit]) : "";
    row.classList.toggle("likeliest", found?.digit === digit);
  });
  paint();
}

function paint() {
  const [text, ground] = [rgb("--text"), rgb("--paper")];
  const image = last ? bytes(last.image) : new Uint8Array(28 * 28);
  fill(seen, 28, 28, i => mixed(ground, text, image[i] / 255));
  layers.replaceChildren(...(last?.layers ?? []).map(maps));
}

function maps(layer) {
  const block = document.createElement("div"), grid = document.createElement("div");
  const heading = document.createElement("h3");
  heading.textContent = `${layer.name.replaceAll("_", " ")}: ${layer.count} maps of ${layer.height} × ${layer.width}, ` +
    `up to ±${layer.most.toPrecision(3)}`;
  grid.className = "maps";
  const levels = new Int8Array(bytes(layer.maps).buffer), size = layer.height * layer.width;
  const [ground, minus, plus] = ["--paper", "--minus", "--plus"].map(rgb);
  for (let kernel = 0; kernel < layer.count; kernel++) {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Map ${kernel + 1} of ${layer.count}`);
    canvas.title = `map ${kernel + 1}`;
    fill(canvas, layer.width, layer.height, i => {
      const level = levels[kernel * size + i] / 127;
      return mixed(ground, level < 0 ? minus : plus, Math.abs(level));
    });
    grid.append(canvas);
  }
  block.append(heading, grid);
  return block;
}

function fill(canvas, width, height, pixel) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...pixel(i), 255], 4 * i);
  context.putImageData(image, 0, 0);
}

function bytes(text) {
  return Uint8Array.from(atob(text), character => character.charCodeAt(0));
}

function rgb(name) {
  const digits = colour(name).slice(1);
  const long = digits.length === 3 ? [...digits].map(d => d + d).join("") : digits;
  return [0, 2, 4].map(i => parseInt(long.slice(i, i + 2), 16));
}

function mixed(from, to, part) {
  return from.map((value, i) => value + part * (to[i] - value));
}

function place(event) {
  const box = paper.getBoundingClientRect(), border = paper.clientLeft;
  return [event.clientX - box.left, event.clientY - box.top].map(at => (at - border) * SIDE / paper.clientWidth);
}

paper.addEventListener("pointerdown", event => {
  if (!event.isPrimary || event.button !== 0) return;
  paper.setPointerCapture(event.pointerId);
  cursor = null;
  current = [place(event)];
  strokes.push(current);
  changed();
});
paper.addEventListener("pointermove", event => {
  if (!current || !event.isPrimary) return;
  const events = event.getCoalescedEvents?.() ?? [];
  current.push(...(events.length ? events : [event]).map(place));
  changed();
});
for (const name of ["pointerup", "pointercancel"]) {
  paper.addEventListener(name, event => { if (event.isPrimary) current = null; });
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

paper.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = ARROWS[event.key];
  cursor ??= { x: SIDE / 2, y: SIDE / 2, down: false };
  if (arrow) move(...arrow.map(step => step * STEP * (event.shiftKey ? 4 : 1)));
  else if (event.key === " ") press();
  else if (event.key === "Delete" || event.key === "Backspace") wipe();
  else if (event.key.toLowerCase() === "z") back();
  else return;
  event.preventDefault();
});

function move(right, down) {
  const within = at => Math.min(Math.max(at, PEN / 2), SIDE - PEN / 2);
  cursor.x = within(cursor.x + right);
  cursor.y = within(cursor.y + down);
  if (!cursor.down) return show();
  strokes.at(-1).push([cursor.x, cursor.y]);
  changed();
}

function press() {
  cursor.down = !cursor.down;
  if (!cursor.down) return show();
  strokes.push([[cursor.x, cursor.y]]);
  changed();
}

function back() {
  strokes.pop();
  lift();
}

function wipe() {
  strokes = [];
  lift();
}

function lift() {
  current = null;
  if (cursor) cursor.down = false;
  changed();
}

undo.addEventListener("click", back);
clear.addEventListener("click", wipe);
paper.addEventListener("focus", show);
paper.addEventListener("blur", show);
dark.addEventListener("change", () => { show(); paint(); });

show();
paint();
fetch("model").then(answer => answer.json()).then(found => {
  document.getElementById("model").textContent = found.about ? `${found.about}: ${found.path}` : found.path;
});
