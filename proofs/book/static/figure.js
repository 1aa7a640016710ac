"use strict";
/* The index map, drawn. Which input cell an output reads through a tap is looked up in tables that numeric computed:
   there is no index arithmetic here. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const form = document.querySelector("form[aria-label='The layer']");
  const shifts = document.querySelector("form[aria-label='The shift']");
  const grids = { input: byId("input"), kernel: byId("kernel"), output: byId("output"), first: byId("first"), second: byId("second") };
  let layer = null;   // what is drawn now
  let current = null; // the cell that is looked at: [which grid, row, column]
  let timer = null;

  const fill = (select, options) => {
    for (const [value, text] of options) select.add(new Option(text, value));
  };
  const numbers = (list) => list.map((n) => [String(n), String(n)]);
  for (const name of ["rows", "columns"]) fill(form.elements[name], numbers(data.sizes));
  for (const name of ["kernelRows", "kernelColumns"]) fill(form.elements[name], numbers(data.kernels));
  fill(form.elements.stride, numbers(data.strides));
  fill(form.elements.dilation, numbers(data.dilations));
  fill(form.elements.padding, data.paddings.map(([low, high]) => [`${low} ${high}`, `${low}, ${high}`]));
  fill(form.elements.boundary, data.boundaries.map((b) => [b, b]));
  fill(form.elements.channels, data.channels.map((c, i) => [String(i), `${c.in}, ${c.out}, ${c.groups}`]));
  for (const name of ["down", "right"]) fill(shifts.elements[name], numbers([0, ...data.shifts]));

  const controls = [...form.elements, ...shifts.elements].filter((e) => e.name);
  const start = { rows: 6, columns: 7, kernelRows: 3, kernelColumns: 2, stride: 1, dilation: 1, padding: "1 1", boundary: "zero",
    operation: "correlate", channels: 2, down: 1, right: 0 };

  const load = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    for (const control of controls) {
      const value = asked.get(control.name) ?? String(start[control.name]);
      control.value = [...control.options].some((option) => option.value === value) ? value : String(start[control.name]);
    }
  };
  const save = () => {
    const state = new URLSearchParams(controls.map((control) => [control.name, control.value]));
    history.replaceState(null, "", `#${state}`);
  };

  const chosen = () => Object.fromEntries(controls.map((control) => [control.name, control.value]));
  const axis = (choice, size, kernel) => {
    const table = data.axes[[choice[size], choice[kernel], choice.stride, choice.dilation, choice.padding, choice.boundary].join(" ")];
    return typeof table === "string" ? { problem: table } : table;
  };
  const both = (choice) => [axis(choice, "rows", "kernelRows"), axis(choice, "columns", "kernelColumns")];
  const problemOf = (choice) => both(choice)
    .flatMap(({ problem }, i) => problem ? [`${["rows", "columns"][i]}: ${problem.replace("on spatial axis 0 it", "it")}`] : [])[0] ?? "";
  const offer = () => { // what does not fit beside the other choices cannot be chosen, and says why
    const now = chosen();
    for (const control of controls) for (const option of control.options) {
      option.title = problemOf({ ...now, [control.name]: option.value });
      option.disabled = option.title !== "" && !option.selected;
    }
  };
  const grid = (rows, columns, entry) => Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => entry(r, c)));

  const read = () => {
    const value = (name) => Number(form.elements[name].value);
    const sizes = [value("rows"), value("columns")], kernel = [value("kernelRows"), value("kernelColumns")];
    const problem = problemOf(chosen());
    if (problem) return { problem };
    const axes = both(chosen());
    const given = grid(kernel[0], kernel[1], (r, c) => data.kernel[r][c]);
    const turned = form.elements.operation.value === "convolve";
    const weights = turned ? grid(kernel[0], kernel[1], (r, c) => given[data.rotated[kernel[0]][r]][data.rotated[kernel[1]][c]]) : given;
    const x = grid(sizes[0], sizes[1], (r, c) => data.input[r][c]);
    return { sizes, kernel, axes, given, weights, turned, x, outputs: axes.map((a) => a.cell.length),
      padding: form.elements.padding.value.split(" ").map(Number), boundary: form.elements.boundary.value };
  };

  /* What output (r, c) reads: for each tap the input cell, or null, and its place with padding counted. */
  const reads = (r, c) => {
    const found = [];
    for (let u = 0; u < layer.kernel[0]; u++) for (let v = 0; v < layer.kernel[1]; v++) {
      const cell = [layer.axes[0].cell[r][u], layer.axes[1].cell[c][v]];
      found.push({ tap: [u, v], cell: cell.includes(null) ? null : cell, at: [layer.axes[0].at[r][u], layer.axes[1].at[c][v]] });
    }
    return found;
  };
  const conv = (x) => grid(layer.outputs[0], layer.outputs[1], (r, c) => reads(r, c).reduce(
    (sum, { tap, cell }) => sum + (cell ? layer.weights[tap[0]][tap[1]] * x[cell[0]][cell[1]] : 0), 0));
  const moved = (array, down, right, boundary) => grid(array.length, array[0].length, (r, c) => {
    const from = [data.moved[boundary][array.length][down]?.[r], data.moved[boundary][array[0].length][right]?.[c]];
    return from.includes(null) || from.includes(undefined) ? null : array[from[0]][from[1]];
  });

  const draw = (which, values, name, note = () => "") => {
    const rows = values.map((line, r) => {
      const row = document.createElement("div");
      row.setAttribute("role", "row");
      row.append(...line.map((value, c) => {
        const cell = document.createElement("div");
        cell.className = "cell";
        cell.setAttribute("role", "gridcell");
        cell.tabIndex = r || c ? -1 : 0;
        cell.dataset.place = `${r} ${c}`;
        cell.textContent = value === null ? "·" : String(value).replace("-", "−");
        cell.setAttribute("aria-label", `${name} (${r}, ${c}) ${value === null ? "none" : `= ${value}`}${note(r, c)}`);
        return cell;
      }));
      return row;
    });
    grids[which].replaceChildren(...rows);
  };
  const ghosts = () => { // the padding around the input, to be looked at only
    const [low, high] = layer.padding;
    const [height, width] = layer.sizes;
    const lines = [...grids.input.children];
    const ghost = (r, c) => {
      const cell = document.createElement("div");
      cell.className = "cell ghost";
      cell.setAttribute("role", "gridcell");
      cell.dataset.at = `${r} ${c}`;
      cell.setAttribute("aria-label", `padding (${r}, ${c})`);
      return cell;
    };
    lines.forEach((line, r) => {
      line.prepend(...Array.from({ length: low }, (_, i) => ghost(r, i - low)));
      line.append(...Array.from({ length: high }, (_, i) => ghost(r, width + i)));
    });
    const line = (r) => {
      const row = document.createElement("div");
      row.setAttribute("role", "row");
      row.append(...Array.from({ length: low + width + high }, (_, i) => ghost(r, i - low)));
      return row;
    };
    grids.input.prepend(...Array.from({ length: low }, (_, i) => line(i - low)));
    grids.input.append(...Array.from({ length: high }, (_, i) => line(height + i)));
  };
  const cellOf = (which, place) => grids[which].querySelector(`[data-place='${place.join(" ")}']`);
  const text = (place) => `(${place.join(", ")})`;
  const signed = (n) => String(n).replace("-", "−");

  const clear = () => {
    for (const cell of document.querySelectorAll(".cell.read, .cell.at")) cell.classList.remove("read", "at");
    for (const weight of document.querySelectorAll(".cell .weight")) weight.remove();
  };
  const mark = (cell, weight) => {
    cell.classList.add("read");
    if (weight === undefined) return;
    const small = document.createElement("span");
    small.className = "weight";
    small.textContent = `×${signed(weight)}`;
    cell.append(small);
  };

  const look = (which, r, c) => {
    current = [which, r, c];
    clear();
    cellOf(which, [r, c]).classList.add("at");
    byId("index").textContent = which === "output" ? filledIn(r, c) : "";
    byId("said").textContent = { output: ofOutput, input: ofInput, kernel: ofTap }[which](r, c);
  };
  /* The formula of the index map with its numbers: the last cell that the output reads, whose terms are not all zero. */
  const filledIn = (r, c) => {
    const found = reads(r, c).filter(({ cell }) => cell).pop();
    if (!found) return "";
    const { stride, dilation } = chosen();
    const one = (i) => `${stride}·${[r, c][i]} + ${dilation}·${found.tap[i]} − ${layer.padding[0]} = ${signed(found.at[i])}`;
    const around = same(found.cell, found.at) ? "" : `, which is ${text(found.cell)} around the border`;
    return `reads(${text([r, c])}, ${text(found.tap)}): rows ${one(0)}, columns ${one(1)}${around}.`;
  };
  const ofOutput = (r, c) => {
    const terms = [];
    for (const { tap, cell, at } of reads(r, c)) {
      const weight = layer.weights[tap[0]][tap[1]];
      if (layer.boundary === "circular" || !cell) {
        const ghost = grids.input.querySelector(`[data-at='${at.join(" ")}']`);
        if (ghost) mark(ghost, cell ? weight : undefined);
      }
      if (!cell) continue;
      mark(cellOf("input", cell), weight);
      mark(cellOf("kernel", tap));
      terms.push(`${signed(weight)}·${layer.x[cell[0]][cell[1]]}`);
    }
    const cells = reads(r, c).map(({ tap, cell }) => `${text(tap)} ${cell ? `x${text(cell)}` : "padding"}`);
    return `y${text([r, c])} = ${terms.join(" + ").replaceAll("+ −", "− ") || "0"} = ${signed(layer.y[r][c])}. Through tap ${cells.join(", ")}.`;
  };
  const pairs = (wanted) => {
    const found = [];
    layer.y.forEach((line, r) => line.forEach((_, c) => {
      for (const { tap, cell } of reads(r, c)) if (cell && wanted(tap, cell)) found.push({ output: [r, c], tap, cell });
    }));
    return found;
  };
  const same = (a, b) => a[0] === b[0] && a[1] === b[1];
  const ofInput = (r, c) => {
    const found = pairs((_, cell) => same(cell, [r, c]));
    for (const { output, tap } of found) {
      mark(cellOf("output", output), layer.weights[tap[0]][tap[1]]);
      mark(cellOf("kernel", tap));
    }
    const terms = found.map(({ output, tap }) => `w${text(tap)}·g${text(output)}`);
    return `x${text([r, c])} is read by ${found.length} outputs: dL/dx${text([r, c])} = ${terms.join(" + ") || "0"}, the transposed map.`;
  };
  const ofTap = (u, v) => {
    const found = pairs((tap) => same(tap, [u, v]));
    for (const { output, cell } of found) {
      mark(cellOf("output", output));
      mark(cellOf("input", cell));
    }
    const terms = found.slice(0, 4).map(({ output, cell }) => `g${text(output)}·x${text(cell)}`);
    const more = found.length > 4 ? ` + … (${found.length} products)` : "";
    return `Tap ${text([u, v])} with weight ${signed(layer.weights[u][v])}: dL/dw${text([u, v])} = ${terms.join(" + ") || "0"}${more}.`;
  };

  const sizesTold = () => {
    const value = (name) => form.elements[name].value;
    const [low, high] = layer.padding;
    const one = (i) => `⌊(${layer.sizes[i]} + ${low} + ${high} − ${value("dilation")}·(${layer.kernel[i]} − 1) − 1) / ${value("stride")}⌋ + 1 = ${layer.outputs[i]}`;
    byId("sizes").textContent = `Output size: rows ${one(0)}; columns ${one(1)}. reads(o, u) = ${value("stride")}·o + ${value("dilation")}·u − ${low} on each axis.`;
  };
  const channelsTold = () => {
    const chosen = data.channels[Number(form.elements.channels.value)];
    byId("channels").replaceChildren(...chosen.reads.map((from, c) => {
      const line = document.createElement("p");
      line.className = "row";
      line.dataset.channel = c;
      line.dataset.reads = from.join(" ");
      line.textContent = `output channel ${c} reads input ${from.length > 1 ? "channels" : "channel"} ${from.join(", ")}`;
      return line;
    }));
  };

  const equivariance = () => {
    const down = Number(shifts.elements.down.value), right = Number(shifts.elements.right.value);
    const stride = Number(form.elements.stride.value);
    const first = conv(moved(layer.x, down, right, layer.boundary).map((line) => line.map((value) => value ?? 0)));
    const by = [Math.floor(down / stride), Math.floor(right / stride)];
    const second = moved(layer.y, by[0], by[1], layer.boundary);
    draw("first", first, "conv of the shifted input");
    draw("second", second, "shifted conv");
    let wrong = 0, compared = 0;
    second.forEach((line, r) => line.forEach((value, c) => {
      if (value === null) return;
      compared++;
      if (value === first[r][c]) return;
      wrong++;
      for (const which of ["first", "second"]) {
        const cell = cellOf(which, [r, c]);
        cell.classList.add("differs");
        cell.setAttribute("aria-label", `${cell.getAttribute("aria-label")}, differs`);
      }
    }));
    const divides = down % stride === 0 && right % stride === 0;
    const why = divides ? "" : ` The shift is no multiple of the stride ${stride}, so no whole shift of the output corresponds; shown is ${text(by)}.`;
    const verdict = byId("verdict");
    verdict.dataset.wrong = wrong;
    verdict.textContent = wrong
      ? `They differ in ${wrong} of ${compared} cells that both have.${why}`
      : `They agree in all ${compared} cells that both have.${why}`;
  };

  const render = () => {
    stop();
    save();
    offer();
    const next = read();
    byId("problem").hidden = !next.problem;
    byId("drawn").hidden = Boolean(next.problem);
    byId("problem").textContent = next.problem ? `There is no such layer: ${next.problem}.` : "";
    if (next.problem) return;
    const turns = layer && layer.turned !== next.turned;
    layer = next;
    layer.y = conv(layer.x);
    draw("input", layer.x, "input");
    ghosts();
    draw("kernel", layer.weights, "tap");
    draw("output", layer.y, "output");
    byId("kernel-heading").innerHTML = layer.turned ? "rot180(<i>k</i>), as it slides" : "Kernel <i>k</i>, as it slides";
    byId("turned").textContent = layer.turned
      ? `k itself: ${layer.given.map((line) => line.map(signed).join(" ")).join(" / ")}. A convolution slides it turned by 180°.`
      : "";
    if (turns) {
      grids.kernel.classList.remove("turning");
      void grids.kernel.offsetWidth; // so that the animation starts again
      grids.kernel.classList.add("turning");
    }
    sizesTold();
    channelsTold();
    equivariance();
    look("output", 0, 0);
  };

  const step = (by) => {
    const [height, width] = layer.outputs;
    const at = current && current[0] === "output" ? current[1] * width + current[2] : -by;
    const next = (at + by + height * width) % (height * width);
    look("output", Math.floor(next / width), next % width);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    byId("play").textContent = "▶ play";
    byId("play").setAttribute("aria-pressed", "false");
  };
  byId("back").addEventListener("click", () => { stop(); step(-1); });
  byId("step").addEventListener("click", () => { stop(); step(1); });
  byId("play").addEventListener("click", () => {
    if (timer) return stop();
    timer = setInterval(() => step(1), 700);
    byId("play").textContent = "❚❚ pause";
    byId("play").setAttribute("aria-pressed", "true");
  });

  for (const which of ["input", "kernel", "output", "first", "second"]) {
    const seen = (event) => {
      const cell = event.target.closest("[data-place]");
      if (!cell || !["input", "kernel", "output"].includes(which)) return;
      if (event.type !== "focusin") stop();
      look(which, ...cell.dataset.place.split(" ").map(Number));
    };
    for (const kind of ["pointerover", "focusin", "click"]) grids[which].addEventListener(kind, seen);
    grids[which].addEventListener("keydown", (event) => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const cell = event.target.closest("[data-place]");
      if (!move || !cell) return;
      event.preventDefault();
      const place = cell.dataset.place.split(" ").map(Number);
      const next = cellOf(which, [place[0] + move[0], place[1] + move[1]]);
      if (!next) return;
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }
  for (const control of controls) control.addEventListener("change", render);
  addEventListener("hashchange", () => { load(); render(); });
  byId("still").hidden = true;
  byId("figure").hidden = false;
  load();
  render();
})();
