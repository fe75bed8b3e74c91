// A scene of the twin in a browser: WebGL 2, no library, nothing loaded from anywhere.
//
// `twinScene(host)` mounts what the script element inside `host` holds: JSON with the scene's words, scales, things and
// frames, and under `glb` a GLB file (deflated, base64). It returns an object with which pages drive the scene:
// `frame(k)`, `answer(shown)`, `tell(readings)`, `look(name)`, `view(name)`, `onselect`, `destroy()`; `answer` and
// `tell` take what `twin.show.html.answer` and `readings` make.
"use strict";

const twinScene = (() => {
  const VERTEX = `#version 300 es
    in vec3 position; in vec3 offset; in vec4 tint; in vec3 colour;
    uniform mat4 matrix; uniform vec4 base; uniform float tinted, coloured, grow;
    out vec3 place; out vec4 shade;
    void main() {
      place = position * grow + offset;
      vec4 body = tinted > 0.5 ? tint : base;
      shade = vec4(body.rgb * (coloured > 0.5 ? colour : vec3(1.0)), base.a);
      gl_Position = matrix * vec4(place, 1.0);
    }`;
  const FRAGMENT = `#version 300 es
    precision highp float;
    in vec3 place; in vec4 shade; uniform float flatly; out vec4 colour;
    void main() {
      vec3 n = normalize(cross(dFdx(place), dFdy(place)));
      float light = 0.60 + 0.34 * max(dot(n, normalize(vec3(-0.3, -0.55, 0.9))), 0.0)
        + 0.12 * max(dot(n, normalize(vec3(-0.9, 0.3, 0.2))), 0.0) + 0.08 * max(dot(n, normalize(vec3(0.8, -0.5, 0.3))), 0.0);
      colour = vec4(pow(shade.rgb, vec3(1.0 / 2.2)) * (flatly > 0.5 ? 1.0 : min(light, 1.06)), shade.a);
    }`;

  const sub = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  const add = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
  const mul = (a, k) => [a[0] * k, a[1] * k, a[2] * k];
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const unit = (a) => mul(a, 1 / Math.hypot(...a));
  const element = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
  const linear = (c) => c.map((x) => Math.pow(x, 2.2));

  async function inflated(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  // The JSON of a GLB file and a reader of its accessors.
  function parsed(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const length = view.getUint32(12, true);
    const json = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + length)));
    const start = bytes.byteOffset + 28 + length;
    const types = { 5121: Uint8Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
    const wide = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
    const read = (k) => {
      const a = json.accessors[k], v = json.bufferViews[a.bufferView];
      return new types[a.componentType](bytes.buffer.slice(start + v.byteOffset, start + v.byteOffset + v.byteLength), 0, a.count * wide[a.type]);
    };
    return { json, read };
  }

  function program(gl) {
    const made = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(made, shader);
    }
    ["position", "offset", "tint", "colour"].forEach((name, k) => gl.bindAttribLocation(made, k, name));
    gl.linkProgram(made);
    const at = {};
    for (const name of ["matrix", "base", "tinted", "coloured", "grow", "flatly"]) at[name] = gl.getUniformLocation(made, name);
    return { made, at };
  }

  const buffer = (gl, data, target = gl.ARRAY_BUFFER) => {
    const made = gl.createBuffer();
    gl.bindBuffer(target, made);
    gl.bufferData(target, data, gl.STATIC_DRAW);
    return made;
  };

  async function mount(host) {
    const data = JSON.parse(host.querySelector("script[type='application/json']").textContent);
    const canvas = host.querySelector("canvas"), overlay = host.querySelector(".twin-overlay");
    const gl = canvas.getContext("webgl2", { antialias: true, alpha: false });
    if (!gl) {
      host.querySelector(".twin-told").textContent = "This page needs WebGL 2, which this browser does not show.";
      host.classList.add("twin-flat");
    }
    const things = data.things, row = new Map(things.map((t, i) => [t.name, i]));
    let table = data.scale.table.map(rgb).map(linear);
    const lost = linear(rgb(data.lost));
    let selected = -1, frame = data.frame, values = things.map((t) => t.values[frame]), dark = new Set(data.dark);
    const api = { data, onselect: null };

    // ---- the GPU's lists: every mesh once, with an offset and a tint for each thing that has it
    let draws = [], tints = [], outline = null, shader = null, coolant = null;
    if (gl) {
      shader = program(gl);
      const { json, read } = parsed(await inflated(data.glb));
      const uses = new Map();
      json.nodes.forEach((node) => {
        if (node.mesh === undefined) return;
        if (!uses.has(node.mesh)) uses.set(node.mesh, []);
        uses.get(node.mesh).push(node);
      });
      const cache = new Map();
      const kept = (k, target) => {
        if (!cache.has(k)) cache.set(k, buffer(gl, read(k), target));
        return cache.get(k);
      };
      for (const [mesh, nodes] of uses) {
        const offsets = buffer(gl, new Float32Array(nodes.flatMap((n) => n.translation || [0, 0, 0])));
        const rows = nodes.map((n) => (row.has(n.name) ? row.get(n.name) : -1));
        const tint = gl.createBuffer();
        if (rows.some((r) => r >= 0)) tints.push({ rows, tint });
        for (const p of json.meshes[mesh].primitives) {
          const material = json.materials[p.material], lines = p.mode === 1;
          const vao = gl.createVertexArray();
          gl.bindVertexArray(vao);
          const attribute = (at, b, size, type, norm, each) => {
            gl.bindBuffer(gl.ARRAY_BUFFER, b);
            gl.enableVertexAttribArray(at);
            gl.vertexAttribPointer(at, size, type, norm, 0, 0);
            gl.vertexAttribDivisor(at, each);
          };
          attribute(0, kept(p.attributes.POSITION), 3, gl.FLOAT, false, 0);
          attribute(1, offsets, 3, gl.FLOAT, false, 1);
          attribute(2, tint, 4, gl.FLOAT, false, 1);
          gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(4 * nodes.length), gl.DYNAMIC_DRAW);
          const coloured = p.attributes.COLOR_0 !== undefined;
          if (coloured && json.nodes.some((n) => n.name === "pipes" && n.mesh === mesh)) coolant = kept(p.attributes.COLOR_0);
          if (coloured) attribute(3, kept(p.attributes.COLOR_0), 4, gl.UNSIGNED_BYTE, true, 0);
          gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, kept(p.indices, gl.ELEMENT_ARRAY_BUFFER));
          const a = json.accessors[p.indices];
          draws.push({
            vao, coloured, lines, count: a.count, type: a.componentType, n: nodes.length,
            base: material.pbrMetallicRoughness.baseColorFactor, blend: material.alphaMode === "BLEND",
            tinted: material.extras && material.extras.body && rows.some((r) => r >= 0), name: material.name,
          });
        }
      }
      draws.sort((a, b) => a.blend - b.blend);
      outline = { vao: gl.createVertexArray(), points: gl.createBuffer(), offset: buffer(gl, new Float32Array(3)) };
      gl.bindVertexArray(outline.vao);
      gl.bindBuffer(gl.ARRAY_BUFFER, outline.points);
      gl.enableVertexAttribArray(0);
      gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
      gl.bindBuffer(gl.ARRAY_BUFFER, outline.offset);
      gl.enableVertexAttribArray(1);
      gl.vertexAttribPointer(1, 3, gl.FLOAT, false, 0, 0);
      gl.vertexAttribDivisor(1, 1);
    }

    const share = (v) => Math.min(Math.max((v - data.scale.low) / (data.scale.high - data.scale.low), 0), 1);
    function tintOf(i) {
      if (i < 0) return [0, 0, 0, 0];
      if (dark.has(i)) return [...lost, 1];
      const v = values[i];
      return v === null || v === undefined ? [...linear(rgb(things[i].colour)), 1] : [...table[Math.round(255 * share(v))], 1];
    }
    function paint() {
      if (!gl) return;
      const all = things.map((_, i) => tintOf(i));
      for (const { rows, tint } of tints) {
        gl.bindBuffer(gl.ARRAY_BUFFER, tint);
        gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(rows.flatMap((r) => (r < 0 ? [0, 0, 0, 0] : all[r]))), gl.DYNAMIC_DRAW);
      }
      redraw();
    }
    function pour({ values: warm, low, high }) {
      const { table: colours, net, points } = data.pipes, bytes = [];
      net.forEach((k, n) => {
        const v = warm[k], c = v === null ? "#c9cdd2" : colours[Math.round(255 * Math.min(Math.max((v - low) / (high - low), 0), 1))];
        const [r, g, b] = linear(rgb(c)).map((x) => Math.round(255 * x));
        for (let i = 0; i < points[n]; i++) bytes.push(r, g, b, 255);
      });
      gl.bindBuffer(gl.ARRAY_BUFFER, coolant);
      gl.bufferData(gl.ARRAY_BUFFER, new Uint8Array(bytes), gl.DYNAMIC_DRAW);
    }

    // ---- camera: orbits a point, without perspective
    const home = () => fitted(data.views.find((v) => v.name === data.view));
    let camera;
    function fitted(view) {
      const eye = unit(view.eye);
      const aspect = canvas.clientWidth / Math.max(canvas.clientHeight, 1);
      const half = 1.08 * Math.max(view.across / aspect, view.along, 0.5);
      const turn = Math.abs(eye[2]) > 0.999 ? -Math.PI / 2 : Math.atan2(eye[1], eye[0]);
      return { turn, tilt: Math.asin(eye[2]), target: view.middle, half };
    }
    function axes() {
      const { turn, tilt } = camera;
      const eye = [Math.cos(tilt) * Math.cos(turn), Math.cos(tilt) * Math.sin(turn), Math.sin(tilt)];
      const right = [-Math.sin(turn), Math.cos(turn), 0];
      return { eye, right, up: cross(eye, right) };
    }
    function matrix() {
      const { eye, right, up } = axes(), aspect = canvas.clientWidth / Math.max(canvas.clientHeight, 1), h = camera.half, far = data.reach * 2;
      const r = mul(right, 1 / (h * aspect)), u = mul(up, 1 / h), e = mul(eye, -1 / far), t = camera.target;
      return new Float32Array([r[0], u[0], e[0], 0, r[1], u[1], e[1], 0, r[2], u[2], e[2], 0, -dot(r, t), -dot(u, t), -dot(e, t), 1]);
    }
    function project(p) {
      const { right, up } = axes(), aspect = canvas.clientWidth / Math.max(canvas.clientHeight, 1), d = sub(p, camera.target);
      return [(dot(d, right) / (camera.half * aspect) + 1) / 2 * canvas.clientWidth, (1 - dot(d, up) / camera.half) / 2 * canvas.clientHeight];
    }

    // ---- drawing
    let waiting = false;
    function redraw() {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; draw(); });
    }
    function draw() {
      const ratio = window.devicePixelRatio || 1, w = Math.round(canvas.clientWidth * ratio), h = Math.round(canvas.clientHeight * ratio);
      if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
      if (gl) {
        const at = shader.at;
        gl.viewport(0, 0, w, h);
        gl.clearColor(0.969, 0.976, 0.98, 1);
        gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
        gl.enable(gl.DEPTH_TEST);
        gl.useProgram(shader.made);
        gl.uniformMatrix4fv(at.matrix, false, matrix());
        gl.uniform1f(at.grow, 1);
        for (const d of draws) {
          if (d.blend) { gl.enable(gl.BLEND); gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA); gl.depthMask(false); }
          gl.bindVertexArray(d.vao);
          gl.uniform4fv(at.base, d.base);
          gl.uniform1f(at.tinted, d.tinted ? 1 : 0);
          gl.uniform1f(at.coloured, d.coloured ? 1 : 0);
          gl.uniform1f(at.flatly, d.blend || d.lines ? 1 : 0);
          gl.drawElementsInstanced(d.lines ? gl.LINES : gl.TRIANGLES, d.count, d.type, 0, d.n);
        }
        gl.depthMask(true);
        gl.disable(gl.BLEND);
        gl.uniform1f(at.tinted, 0);
        gl.uniform1f(at.coloured, 0);
        gl.uniform1f(at.flatly, 1);
        for (const name of api.over) if (row.has(name)) box(row.get(name), "#d97700", 0.04);
        if (row.has(api.binds)) box(row.get(api.binds), "#c8102e", 0.08);
        if (selected >= 0) box(selected, "#1554c0", 0.12);
      }
      words();
    }
    function box(i, colour, beyond) {
      const t = things[i], lo = t.low.map((x) => x - beyond), hi = t.low.map((x, k) => x + t.size[k] + beyond), lines = [];
      const c = (k) => [k & 1 ? hi[0] : lo[0], k & 2 ? hi[1] : lo[1], k & 4 ? hi[2] : lo[2]];
      const { right, up } = axes(), px = 2 * camera.half / Math.max(canvas.clientHeight, 1);
      for (const [a, b] of [[0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7]])
        for (const [x, y] of [[0, 0], [1, 0], [0, 1], [1, 1]]) {
          const shift = add(mul(right, x * px), mul(up, y * px));
          lines.push(...add(c(a), shift), ...add(c(b), shift));
        }
      gl.bindVertexArray(outline.vao);
      gl.bindBuffer(gl.ARRAY_BUFFER, outline.points);
      gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(lines), gl.DYNAMIC_DRAW);
      gl.uniform4fv(shader.at.base, [...linear(rgb(colour)), 1]);
      gl.drawArraysInstanced(gl.LINES, 0, lines.length / 3, 1);
    }

    // ---- words over the picture
    const tags = data.rooms.map((room) => {
      const tag = document.createElement("span");
      tag.className = "twin-room";
      tag.textContent = room.name.replaceAll("_", " ");
      overlay.append(tag);
      return { tag, at: room.at };
    });
    const flag = document.createElement("span"), tip = document.createElement("span");
    flag.className = "twin-flag";
    tip.className = "twin-tip";
    overlay.append(flag, tip);
    tip.style.display = "none";
    function put(tag, at, dy = 0) {
      const [x, y] = project(at), seen = x > 0 && y > 0 && x < canvas.clientWidth && y < canvas.clientHeight;
      tag.style.display = seen ? "" : "none";
      const half = tag.offsetWidth / 2 + 4;
      tag.style.left = `${Math.min(Math.max(x, half), canvas.clientWidth - half)}px`;
      tag.style.top = `${Math.max(y + dy, 14)}px`;
      return [x, y, seen];
    }
    const topOf = (i) => add(things[i].low, [things[i].size[0] / 2, things[i].size[1] / 2, things[i].size[2]]);
    function words() {
      const taken = [];
      if (row.has(api.binds)) { flag.textContent = api.phrase; put(flag, topOf(row.get(api.binds)), -26); taken.push(flag.getBoundingClientRect()); } else flag.style.display = "none";
      for (const { tag, at } of tags) {
        put(tag, at);
        const r = tag.getBoundingClientRect();
        if (r.width && taken.some((t) => r.left < t.right && t.left < r.right && r.top < t.bottom && t.top < r.bottom)) tag.style.display = "none";
        else taken.push(r);
      }
    }
    const number = (v) => (v === null || v === undefined ? "" : Number(v.toPrecision(4)).toLocaleString("en"));
    function describe(i) {
      const t = things[i], parts = [`${t.name} (${t.kind.replaceAll("_", " ")})`];
      const opened = frame === data.frame || frame < 0;  // these are of the scenario that the page was opened with
      if (opened && t.kW !== undefined) parts.push(`${number(t.kW)} kW`);
      if (opened && t.degC !== undefined) parts.push(`${number(t.degC)} °C`);
      if (values[i] !== null && values[i] !== undefined) parts.push(`${data.scale.title.replace(/ \[.*/, "")} ${number(values[i])} ${data.scale.unit}`);
      if (dark.has(i)) parts.push("out of service or without power");
      return parts.join(", ");
    }

    // ---- picking: the nearest box on the way of the eye
    function under(x, y) {
      const { eye, right, up } = axes(), w = canvas.clientWidth, h = canvas.clientHeight;
      const from = add(add(camera.target, mul(right, (2 * x / w - 1) * camera.half * w / h)), mul(up, (1 - 2 * y / h) * camera.half));
      let best = -1, nearest = -Infinity;
      things.forEach((t, i) => {
        let enter = -Infinity, leave = Infinity;
        for (let k = 0; k < 3; k++) {
          const a = (t.low[k] - from[k]) / eye[k], b = (t.low[k] + t.size[k] - from[k]) / eye[k];
          enter = Math.max(enter, Math.min(a, b));
          leave = Math.min(leave, Math.max(a, b));
        }
        if (enter <= leave && leave > nearest) { nearest = leave; best = i; }
      });
      return best;
    }
    function select(i, quiet, told = true) {
      selected = i;
      host.querySelector(".twin-told").textContent = i >= 0 ? describe(i) : "";
      const find = host.querySelector(".twin-find");
      if (find && !quiet) find.value = i >= 0 ? things[i].name : "";
      if (told && api.onselect) api.onselect(i >= 0 ? things[i].name : "");
      redraw();
    }

    // ---- hands on it
    const pointers = new Map();
    let moved = 0;
    canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); pointers.set(e.pointerId, [e.offsetX, e.offsetY]); moved = 0; });
    canvas.addEventListener("pointermove", (e) => {
      const before = pointers.get(e.pointerId), here = [e.offsetX, e.offsetY];
      if (!before) {
        const i = e.pointerType === "mouse" ? under(...here) : -1;
        tip.style.display = i >= 0 ? "" : "none";
        if (i >= 0) { tip.textContent = describe(i); tip.style.left = `${Math.min(here[0] + 12, canvas.clientWidth - tip.offsetWidth - 8)}px`; tip.style.top = `${here[1] + 16}px`; }
        return;
      }
      const dx = here[0] - before[0], dy = here[1] - before[1];
      moved += Math.abs(dx) + Math.abs(dy);
      if (pointers.size === 2) {
        const [other] = [...pointers].filter(([id]) => id !== e.pointerId).map(([, p]) => p);
        const was = Math.hypot(before[0] - other[0], before[1] - other[1]), is = Math.hypot(here[0] - other[0], here[1] - other[1]);
        if (was > 0 && is > 0) zoom(was / is);
        pan(dx / 2, dy / 2);
      } else if (e.buttons & 2 || e.shiftKey) pan(dx, dy);
      else turn(-dx * 0.008, dy * 0.008);
      pointers.set(e.pointerId, here);
    });
    const up = (e) => { if (pointers.delete(e.pointerId) && moved < 5 && e.type === "pointerup") select(under(e.offsetX, e.offsetY)); };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => { tip.style.display = "none"; });
    canvas.addEventListener("contextmenu", (e) => e.preventDefault());
    canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(e.deltaY * 0.001)); }, { passive: false });
    canvas.addEventListener("keydown", (e) => {
      const does = {
        ArrowLeft: () => turn(0.1, 0), ArrowRight: () => turn(-0.1, 0), ArrowUp: () => turn(0, 0.08), ArrowDown: () => turn(0, -0.08),
        "+": () => zoom(0.85), "=": () => zoom(0.85), "-": () => zoom(1 / 0.85), 0: () => { camera = home(); redraw(); }, Escape: () => select(-1),
      }[e.key];
      if (does) { e.preventDefault(); does(); }
    });
    function turn(a, b) { camera.turn += a; camera.tilt = Math.min(Math.max(camera.tilt + b, 0.02), Math.PI / 2); redraw(); }
    function zoom(k) { camera.half = Math.min(Math.max(camera.half * k, 0.5), data.reach * 2); redraw(); }
    function pan(dx, dy) {
      const { right, up: above } = axes(), m = 2 * camera.half / Math.max(canvas.clientHeight, 1);
      camera.target = add(camera.target, add(mul(right, -dx * m), mul(above, dy * m)));
      redraw();
    }

    // ---- controls and the rest of the page
    const find = host.querySelector(".twin-find");
    if (find) find.addEventListener("change", () => {
      api.look(find.value);
      if (selected < 0 && find.value) host.querySelector(".twin-told").textContent = `nothing is called ${find.value}`;
    });
    host.querySelectorAll("[data-view]").forEach((b) => b.addEventListener("click", () => api.view(b.dataset.view)));
    const slider = host.querySelector(".twin-frames");
    if (slider) slider.addEventListener("input", () => api.frame(Number(slider.value)));
    api.view = (name) => { const v = data.views.find((x) => x.name === name); if (v) { camera = fitted(v); redraw(); } };
    api.frame = (k) => {
      frame = k;
      const f = data.frames[k];
      values = things.map((t) => t.values[k]);
      dark = new Set(f.dark);
      Object.assign(api, { binds: f.binds, phrase: f.phrase, over: f.over });
      const label = host.querySelector(".twin-frame-label"), line = host.querySelector(".twin-line");
      if (label) label.textContent = f.label;
      if (line) line.textContent = f.line;
      if (slider) slider.setAttribute("aria-valuetext", f.label);
      if (selected >= 0) select(selected, true);
      paint();
    };
    const tick = (bar, ticks) => bar && bar.querySelector("div").replaceChildren(...ticks.map((text) => element("span", text)));
    api.answer = (shown) => {
      frame = -1;
      tip.style.display = "none";  // what it says is of before
      values = shown.values;
      dark = new Set(shown.dark);
      things.forEach((t) => { delete t.kW; delete t.degC; });  // until `tell` says them
      table = shown.scale.table.map(rgb).map(linear);
      Object.assign(data.scale, shown.scale);
      const bar = host.querySelector('.twin-bar[data-of="things"]'), keys = host.querySelector(".twin-keys ul");
      if (bar) {
        bar.querySelector("span").textContent = shown.scale.title;
        bar.querySelector("i").style.background = shown.scale.stops;
        tick(bar, shown.scale.ticks);
      }
      keys.replaceChildren(...shown.legend.map(([text, colour]) => { const key = element("li", text); key.style.setProperty("--c", colour); return key; }));
      if (data.pipes && shown.pipes) {
        if (gl && coolant) pour(shown.pipes);
        tick(host.querySelector('.twin-bar[data-of="coolant"]'), shown.pipes.ticks);
      }
      Object.assign(api, { binds: shown.binds, phrase: shown.phrase, over: shown.over });
      const line = host.querySelector(".twin-line");
      if (line) line.textContent = shown.line;
      if (selected >= 0) host.querySelector(".twin-told").textContent = describe(selected);
      paint();
    };
    api.tell = ({ kW, degC }) => {
      things.forEach((t, i) => { t.kW = kW[i] ?? undefined; t.degC = degC[i] ?? undefined; });
      if (selected >= 0) host.querySelector(".twin-told").textContent = describe(selected);
    };
    api.look = (name) => {
      const i = row.has(name) ? row.get(name) : -1;
      select(i, true, false);
      if (i >= 0) { camera.target = topOf(i); camera.half = Math.min(camera.half, Math.max(6, 3 * Math.max(...things[i].size))); redraw(); }
    };
    Object.assign(api, { binds: data.binds, phrase: data.phrase, over: data.over });
    camera = home();
    const watch = new ResizeObserver(() => redraw());
    watch.observe(canvas);
    api.destroy = () => { watch.disconnect(); if (gl) gl.getExtension("WEBGL_lose_context")?.loseContext(); };
    paint();
    draw();
    host.dataset.ready = "yes";
    return api;
  }
  return mount;
})();
