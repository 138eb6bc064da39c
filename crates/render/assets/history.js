"use strict";
// Draws the series that is chosen. Names reach the page as text only, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const [chart, plot, tip, said, title, place, values] =
    ["chart", "plot", "tip", "said", "chart-title", "chart-place", "values"].map($);
  const count = data.ids.length / 12;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let view = null;

  // Whole numbers of any size in digits of base 64, as source maps have them: the sign in the lowest bit.
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const code = new Uint8Array(128);
  for (let i = 0; i < 64; i += 1) code[DIGITS.charCodeAt(i)] = i;
  const decode = (text) => {
    const numbers = [];
    let value = 0;
    let scale = 1;
    for (let i = 0; i < text.length; i += 1) {
      const digit = code[text.charCodeAt(i)];
      value += (digit & 31) * scale;
      if (digit & 32) {
        scale *= 32;
      } else {
        numbers.push(value % 2 ? -(value - 1) / 2 : value / 2);
        value = 0;
        scale = 1;
      }
    }
    return numbers;
  };
  const summed = (numbers) => {
    let sum = 0;
    return numbers.map((number) => (sum += number));
  };
  const times = summed(decode(data.times));
  const day = (at) => new Date(times[at] * 1000).toISOString().slice(0, 10);
  const sha = (at) => data.ids.slice(12 * at, 12 * at + 12);
  const author = (at) => data.authors[data.by[at]];

  const number = (value) => {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-4 || size >= 1e15) return value.toExponential(3);
    const digits = Math.max(0, 3 - Math.floor(Math.log10(size)));
    const whole = Number.isInteger(Number(value.toPrecision(12)));
    return value.toLocaleString("en-US", { minimumFractionDigits: whole ? 0 : digits, maximumFractionDigits: whole ? 0 : digits });
  };
  const amount = (value, series) => `${number(value)} ${series.unit}`;

  const unpack = (series) => {
    if (series.points) return series.points;
    const stretches = decode(series.p);
    const at = [];
    let position = 0;
    stretches.forEach((length, index) => {
      // First where it begins, then in turns how many were measured and how many were not.
      if (index % 2 === 1) for (let i = 0; i < length; i += 1) at.push(position + i);
      position += length;
    });
    const levels = summed(decode(series.v));
    const spread = series.w ? decode(series.w) : null;
    const runs = series.r ? summed(decode(series.r)) : null;
    series.points = at.map((position, index) => ({
      at: position,
      level: levels[index] * series.k,
      low: spread ? (levels[index] - spread[2 * index]) * series.k : null,
      high: spread ? (levels[index] + spread[2 * index + 1]) * series.k : null,
      runs: runs ? runs[index] : 1,
      series,
    }));
    return series.points;
  };

  const line = (text, name) => {
    const part = document.createElement(name || "div");
    part.textContent = text;
    return part;
  };
  const facts = (point) => {
    const { series, at } = point;
    const lines = [
      [amount(point.level, series), "b"],
      [`${sha(at)}  ${day(at)}  ${author(at)}`],
      [data.subjects[at]],
    ];
    if (point.low !== null) {
      lines.push([`middle half of the readings: ${number(point.low)} to ${amount(point.high, series)}`]);
    }
    lines.push([`${point.runs} ${point.runs === 1 ? "run" : "runs"} in environment ${data.environments[series.e].id}`]);
    for (const change of series.c) if (change.upto === at) lines.push([`${change.sure ? "new level" : "possibly a new level"}: ${change.size}${change.label ? `; ${change.label}` : ""}`]);
    for (const mark of series.m) if (mark.at === at) lines.push([mark.text]);
    return lines;
  };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const KEYS = ["--accent", "--second", "--third"];

  const columns = (group) => {
    const xs = Array.from({ length: count }, (_, at) => at);
    const all = [xs];
    for (const series of group) {
      const [level, low, high] = [0, 1, 2].map(() => new Array(count).fill(null));
      for (const point of unpack(series)) {
        level[point.at] = point.level;
        low[point.at] = point.low;
        high[point.at] = point.high;
      }
      all.push(level, low, high);
    }
    return all;
  };

  const decorate = (group) => (u) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio || 1;
    const x = (value) => u.valToPos(value, "x", true);
    const y = (value) => u.valToPos(value, "y", true);
    const soft = colour("--soft");
    const ink = colour("--ink");
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    const stroke = (style, width, dash, from, to) => {
      ctx.strokeStyle = style;
      ctx.lineWidth = width * ratio;
      ctx.setLineDash(dash.map((length) => length * ratio));
      ctx.beginPath();
      ctx.moveTo(...from);
      ctx.lineTo(...to);
      ctx.stroke();
    };
    const labels = [];
    const label = (text, left, row, style) => {
      const top = bbox.top + (4 + 16 * row) * ratio;
      const width = ctx.measureText(text).width;
      const at = Math.min(Math.max(left + 5 * ratio, bbox.left + 2), bbox.left + bbox.width - width - 4 * ratio);
      if (labels.some(([other, from, to]) => other === row && at < to + 8 * ratio && at + width > from - 8 * ratio)) return;
      labels.push([row, at, at + width]);
      ctx.fillStyle = colour("--paper");
      ctx.globalAlpha = 0.8;
      ctx.fillRect(at - 2 * ratio, top - ratio, width + 4 * ratio, 15 * ratio);
      ctx.globalAlpha = 1;
      ctx.fillStyle = style;
      ctx.fillText(text, at, top);
    };
    const bottom = bbox.top + bbox.height;
    group.forEach((series, index) => {
      const own = colour(KEYS[index % KEYS.length]);
      const points = unpack(series);
      const [first, last] = [points[0].at, points[points.length - 1].at];
      if (series.f) {
        stroke(soft, 1, [6, 4], [x(first - 0.5), bbox.top], [x(first - 0.5), bottom]);
        label(`new environment: ${series.f}`, x(first - 0.5), 1, soft);
      }
      const sure = series.c.filter((change) => change.sure);
      // The level of each stretch: its median.
      if (!sure.length) {
        const sorted = points.map((point) => point.level).sort((a, b) => a - b);
        const level = sorted[Math.floor(sorted.length / 2)];
        stroke(ink, 1.25, [2, 3], [x(first), y(level)], [x(last), y(level)]);
      }
      sure.forEach((change, at) => {
        const next = at + 1 < sure.length ? sure[at + 1].upto : last + 1;
        if (at === 0) stroke(ink, 1.25, [2, 3], [x(first), y(change.before)], [x(change.upto - 0.5), y(change.before)]);
        stroke(ink, 1.25, [2, 3], [x(change.upto - 0.5), y(change.level)], [x(next - 0.5), y(change.level)]);
      });
      for (const change of series.c) {
        const style = change.worse ? colour("--worse") : colour("--better");
        const [from, to] = [x(change.earliest + 0.5), x(change.latest + 0.5)];
        ctx.globalAlpha = 0.14;
        ctx.fillStyle = style;
        ctx.fillRect(from, bbox.top, Math.max(to - from, ratio), bbox.height);
        ctx.globalAlpha = 1;
        const at = x(change.upto - 0.5);
        stroke(style, change.sure ? 1.5 : 1, change.sure ? [] : [3, 3], [at, bbox.top], [at, bottom]);
        const said_of_it = change.label ? `${change.size}, ${change.label.split(" by ")[0].replace("a ", "")}` : change.size;
        label(change.sure ? said_of_it : `possibly ${change.size}`, at, 0, style);
      }
      for (const mark of series.m) {
        const at = x(mark.at);
        ctx.fillStyle = colour("--warn");
        ctx.beginPath();
        ctx.moveTo(at, bottom - 9 * ratio);
        ctx.lineTo(at - 5 * ratio, bottom);
        ctx.lineTo(at + 5 * ratio, bottom);
        ctx.fill();
        label("rebaseline", at, 2, colour("--warn"));
      }
      for (const bound of series.l) {
        const at = y(bound.at);
        stroke(colour("--warn"), 1, [8, 4], [bbox.left, at], [bbox.left + bbox.width, at]);
        ctx.fillStyle = colour("--warn");
        ctx.fillText(bound.text, bbox.left + 4 * ratio, at + 3 * ratio);
      }
    });
    ctx.restore();
  };

  const room = (group) => (u, low, high) => {
    if (low === null || high === null) return [0, 1];
    const span = high - low || Math.abs(high) * 0.02 || 1;
    // A bound that is near belongs to the picture; a far one would flatten it.
    const near = group.flatMap((series) => series.l.map((bound) => bound.at)).filter((at) => at > low - 1.5 * span && at < high + 1.5 * span);
    const [least, most] = [Math.min(low, ...near), Math.max(high, ...near)];
    const pad = 0.12 * (most - least || span);
    return [low >= 0 ? Math.max(0, least - pad) : least - pad, most + pad];
  };

  // Points alone between breaks are always drawn; all of them where there is room.
  const visible = (u, index) => {
    const column = u.data[index];
    const [from, to] = [Math.max(0, Math.ceil(u.scales.x.min)), Math.min(count - 1, Math.floor(u.scales.x.max))];
    const known = [];
    for (let at = from; at <= to; at += 1) if (column[at] !== null) known.push(at);
    const roomy = known.length * 5 < u.bbox.width / (devicePixelRatio || 1);
    return roomy ? known : known.filter((at) => column[at - 1] == null && column[at + 1] == null);
  };

  const nearest = (at) => {
    let best = null;
    for (const point of view.points) {
      if (best === null || Math.abs(point.at - at) < Math.abs(best.at - at)) best = point;
      else if (point.at > at) break;
    }
    return best;
  };

  const point_out = (point, aloud) => {
    const { u } = view;
    view.point = point;
    tip.replaceChildren(...facts(point).map(([text, name]) => line(text, name)));
    tip.hidden = false;
    const left = u.over.offsetLeft + u.valToPos(point.at, "x");
    const top = u.over.offsetTop + u.valToPos(point.level, "y");
    const beside = left + 16 + tip.offsetWidth > plot.clientWidth ? Math.max(0, left - 16 - tip.offsetWidth) : left + 16;
    tip.style.left = `${beside}px`;
    tip.style.top = `${Math.max(0, Math.min(top - 20, plot.clientHeight - tip.offsetHeight))}px`;
    if (aloud) {
      u.setCursor({ left: u.valToPos(point.at, "x"), top: u.valToPos(point.level, "y") }, false);
      said.textContent = facts(point).map(([text]) => text).join(", ");
    }
  };

  const draw = (group) => {
    if (view) view.u.destroy();
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: colour("--soft"), grid, ticks: grid, font: "12px system-ui, sans-serif" };
    const series = [{}];
    const bands = [];
    group.forEach((_, index) => {
      const own = colour(KEYS[index % KEYS.length]);
      const edge = { stroke: "transparent", width: 0, points: { show: false } };
      const at = series.length;
      series.push({ stroke: own, width: 1.25, points: { show: true, size: 5, width: 0, fill: own, filter: visible } }, edge, edge);
      bands.push({ series: [at + 2, at + 1], fill: `color-mix(in srgb, ${own} 16%, transparent)` });
    });
    const all = group.flatMap(unpack).sort((a, b) => a.at - b.at);
    const options = {
      width: plot.clientWidth,
      height: 380,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { show: false } },
      scales: { x: { time: false }, y: { range: room(group) } },
      axes: [
        { ...axis, space: 110, values: (u, splits) => splits.map((at) => (Number.isInteger(at) && at >= 0 && at < count ? day(at) : "")) },
        { ...axis, size: 86, values: (u, splits) => splits.map((value) => amount(value, group[0])) },
      ],
      series,
      bands,
      hooks: {
        draw: [decorate(group)],
        setCursor: [(u) => {
          if (!view || u.cursor.left === undefined || u.cursor.left < 0) { tip.hidden = true; return; }
          const point = nearest(u.posToVal(u.cursor.left, "x"));
          if (point) point_out(point, false);
        }],
        setScale: [() => { if (values.open) list(); }],
      },
    };
    plot.replaceChildren(tip);
    tip.hidden = true;
    const u = new uPlot(options, columns(group), plot);
    view = { u, group, points: all, point: null };
  };

  const list = () => {
    const MOST = 500;
    const { min, max } = view.u.scales.x;
    const inside = view.points.filter((point) => point.at >= min && point.at <= max).reverse();
    const rows = inside.slice(0, MOST).map((point) => {
      const row = document.createElement("tr");
      const range = point.low === null ? "" : `${number(point.low)} to ${amount(point.high, point.series)}`;
      const cells = [sha(point.at), day(point.at), amount(point.level, point.series), range, author(point.at), data.subjects[point.at]];
      row.append(...cells.map((text, index) => {
        const cell = line(text, "td");
        if (index === 0) cell.className = "sha";
        if (index === 2) cell.className = "n";
        return cell;
      }));
      return row;
    });
    $("value-rows").replaceChildren(...rows);
    $("value-count").textContent = inside.length > MOST
      ? `the newest ${MOST} of ${inside.length} in the range; select a smaller one to see others`
      : `${inside.length} in the range, newest first`;
  };

  const zoom = (last) => view.u.setScale("x", { min: Math.max(0, count - last) - 0.5, max: count - 0.5 });

  const show = (index) => {
    const chosen = data.series[index];
    if (!chosen) return;
    const group = data.series.filter((series) => series.g === chosen.g && series.unit === chosen.unit);
    title.textContent = chosen.name;
    place.replaceChildren(...group.map((series, at) => {
      const environment = data.environments[series.e];
      const part = line("", "p");
      part.className = "soft";
      const key = line("", "span");
      key.className = `key ${"abc"[at % 3]}`;
      part.append(key, line(`environment ${environment.name}; ${series.t}`, "span"));
      return part;
    }));
    chart.hidden = false;
    draw(group);
    if (values.open) list();
    document.querySelectorAll('tr[aria-current="true"]').forEach((row) => row.removeAttribute("aria-current"));
    const row = $(`row${index}`);
    if (row) row.setAttribute("aria-current", "true");
    said.textContent = `chart of ${chosen.name}`;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-series]");
    if (!link) return;
    event.preventDefault();
    show(Number(link.dataset.series));
    history.replaceState(null, "", `#s${link.dataset.series}`);
    chart.scrollIntoView({ block: "nearest" });
  });
  plot.addEventListener("keydown", (event) => {
    if (!view || !view.points.length) return;
    const { points } = view;
    const at = view.point ? points.indexOf(view.point) : points.length;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: points.length - 1 }[event.key];
    if (event.key === "Escape") zoom(count);
    if (to === undefined) return;
    event.preventDefault();
    point_out(points[Math.min(Math.max(to, 0), points.length - 1)], true);
  });
  document.querySelectorAll("button[data-last]").forEach((button) => {
    button.addEventListener("click", () => zoom(Number(button.dataset.last) || count));
  });
  values.addEventListener("toggle", () => { if (values.open && view) list(); });
  let pending = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => { if (view) view.u.setSize({ width: plot.clientWidth, height: 380 }); });
  });
  dark.addEventListener("change", () => { if (view) draw(view.group); });
  const asked = /^#s(\d+)$/.exec(location.hash);
  show(asked ? Number(asked[1]) : data.first);
  document.documentElement.dataset.drawn = String(Math.round(performance.now()));
})();
