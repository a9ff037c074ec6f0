// Draws one trace view into the element that holds this script. Its data lie in the JSON script before it (Trace.to_dict of each trace).
// Whatever comes from the data enters the page as text, never as markup. Steps are counted from 0, as in the JSONL files.
"use strict";
(() => {
  const root = document.currentScript.parentElement;
  const { traces } = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const state = { trace: 0, step: 0, attribute: 0 };
  const DASHES = ["", "7 3", "2 3", "10 3 2 3", "5 5", "1 4"];
  const SVG = "http://www.w3.org/2000/svg";

  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function svg(tag, attributes = {}, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  const signed = (value, digits = 2) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
  const percent = (p) => (p >= 0.0995 ? (100 * p).toFixed(0) : p >= 0.001 ? (100 * p).toFixed(1) : "<0.1") + " %";
  const tokenOf = (step) => step.candidates[step.chosen];
  const oddsOf = (step) => step.log_odds_after[state.attribute];
  const colourOf = (index) => `var(--trace-${index % 6})`;
  const attributesOf = (index) => traces[index].attributes;

  // Blanks and control characters as signs.
  const SIGNS = { " ": "·", "\n": "⏎", "\t": "→", "\r": "␍", "\u00a0": "⍽" };
  const sign = (blank) => SIGNS[blank] ?? String.fromCharCode(0x2400 + blank.charCodeAt(0));

  function visible(text) {
    const parts = text.split(/([ \u00a0\u0000-\u001f]+)/).filter((part) => part !== "");
    if (!parts.length) return [el("span", { class: "invisible" }, "∅")];
    return parts.map((part) => (/^[ \u00a0\u0000-\u001f]/.test(part) ? el("span", { class: "invisible" }, [...part].map(sign).join("")) : part));
  }

  // Colours: the largest log-odds anywhere, at least 2, is full colour.
  function limit() {
    return Math.max(2, ...traces.flatMap((trace) => trace.steps.map((step) => Math.abs(oddsOf(step)))));
  }

  function tint(node, logOdds) {
    node.classList.add("tint");
    node.style.setProperty("--side", logOdds < 0 ? "var(--undesired)" : "var(--desired)");
    node.style.setProperty("--amount", Math.min(1, Math.abs(logOdds) / limit()));
    return node;
  }

  // Tokens

  function swatch(index) {
    const line = svg("line", { x1: 0, x2: 32, y1: 6, y2: 6, stroke: colourOf(index), "stroke-width": 2.5, "stroke-dasharray": DASHES[index % 6] });
    return svg("svg", { class: "swatch", viewBox: "0 0 32 12", "aria-hidden": "true" }, line);
  }

  function tokenNode(step, t) {
    const selected = t === state.trace && step.index === state.step;
    const odds = signed(oddsOf(step));
    const label = `step ${step.index}: ${JSON.stringify(tokenOf(step).text)}, log-odds ${odds}`;
    const node = el("span", { class: "token", role: "option", "aria-label": label, title: `${label}, KL ${step.kl.toFixed(2)}` }, ...visible(tokenOf(step).text));
    node.setAttribute("aria-selected", selected);
    node.tabIndex = selected ? 0 : -1;
    node.classList.toggle("below", oddsOf(step) < 0);
    node.addEventListener("click", () => select(t, step.index, true));
    return tint(node, oddsOf(step));
  }

  // The blanks at the prompt's end decide how the model goes on, so that they must be seen.
  function promptNode(prompt) {
    const text = prompt.trimEnd();
    const blanks = prompt.slice(text.length);
    return el("div", { class: "prompt" }, text, ...(blanks ? visible(blanks) : []));
  }

  function lane(trace, t) {
    const kl = trace.steps.reduce((sum, step) => sum + step.kl, 0) / Math.max(1, trace.steps.length);
    const last = trace.steps.at(-1);
    const facts = last ? `${trace.steps.length} tokens, ends at log-odds ${signed(oddsOf(last))}, ${kl.toFixed(2)} nats of KL a token` : "no tokens";
    const name = `Tokens of ${trace.method}`;
    const list = el("div", { class: "tokens", role: "listbox", "aria-label": name, "aria-orientation": "horizontal" });
    for (const step of trace.steps) {
      list.append(tokenNode(step, t));
      if (tokenOf(step).text.includes("\n")) list.append(el("br", { role: "presentation" }));
    }
    list.addEventListener("keydown", onKey);
    const head = el("div", { class: "lane-head" }, swatch(t), el("h3", {}, trace.method), el("p", { class: "lane-facts" }, facts));
    return el("div", { class: "lane" }, ...(t === 0 || trace.prompt !== traces[t - 1].prompt ? [promptNode(trace.prompt)] : []), head, list);
  }

  function scale() {
    const ramp = el("span", { class: "ramp", "aria-hidden": "true" });
    for (let place = -4; place <= 4; place++) ramp.append(tint(el("span"), (place / 4) * limit()));
    const name = attributesOf(state.trace)[state.attribute].name;
    const bar = el("span", { class: "bounds" }, signed(-limit(), 1), ramp, signed(limit(), 1));
    return el("div", { class: "scale hint" }, bar, `log-odds of the text that ends in the token; dashed underline: below 0, the side of ${name}`);
  }

  // Charts

  function ticks(low, high, count) {
    const raw = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const gap = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw);
    const values = [];
    for (let k = Math.ceil(low / gap - 1e-9); k * gap <= high + 1e-9 * gap; k++) values.push(k * gap);
    return values;
  }

  // series: for each trace its points [step, value].
  function drawChart(host, series, summary) {
    const width = Math.max(240, host.clientWidth), height = 170, left = 44, right = 10, top = 8, bottom = 24;
    const points = series.flat();
    if (!points.length) return;
    const firstX = -1, lastX = Math.max(0, ...points.map(([x]) => x)); // the prompt is at -1 in every chart, so that they line up
    const low = Math.min(0, ...points.map(([, y]) => y)), high = Math.max(low + 0.1, 0, ...points.map(([, y]) => y));
    const pad = 0.06 * (high - low), floor = low < 0 ? low - pad : 0, ceiling = high + pad;
    const x = (value) => left + ((value - firstX) / (lastX - firstX)) * (width - left - right);
    const y = (value) => top + ((ceiling - value) / (ceiling - floor)) * (height - top - bottom);
    const chart = svg("svg", { class: "chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary });
    for (const value of ticks(floor, ceiling, 4)) {
      const kind = Math.abs(value) < 1e-9 ? "zero" : "grid";
      chart.append(svg("line", { class: kind, x1: left, x2: width - right, y1: y(value), y2: y(value) }));
      chart.append(svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, Number(value.toPrecision(3)).toString().replace("-", "−")));
    }
    const isFree = (value) => Number.isInteger(value) && x(value) - x(firstX) > 32;
    for (const value of ticks(0, lastX, Math.min(lastX, width / 70)).filter(isFree)) {
      chart.append(svg("text", { x: x(value), y: height - 6, "text-anchor": "middle" }, String(value)));
    }
    chart.append(svg("text", { x: x(firstX), y: height - 6, "text-anchor": "middle" }, "prompt"));
    chart.append(svg("line", { class: "here", x1: x(state.step), x2: x(state.step), y1: top, y2: height - bottom }));
    series.forEach((own, t) => {
      const path = own.map(([px, py], place) => `${place ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join("");
      const current = t === state.trace ? " current" : "";
      chart.append(svg("path", { class: `series${current}`, d: path, stroke: colourOf(t), "stroke-dasharray": DASHES[t % 6] }));
      const here = own.find(([px]) => px === state.step);
      if (current && here) chart.append(svg("circle", { cx: x(here[0]), cy: y(here[1]), r: 4, fill: colourOf(t) }));
    });
    chart.addEventListener("click", (event) => {
      const share = (event.clientX - chart.getBoundingClientRect().left - left) / (width - left - right);
      select(state.trace, Math.round(firstX + share * (lastX - firstX)), true);
    });
    host.replaceChildren(chart);
  }

  function drawCharts() {
    const odds = traces.map(({ steps }) => (steps.length ? [[-1, steps[0].log_odds_before[state.attribute]], ...steps.map((step) => [step.index, oddsOf(step)])] : []));
    const kl = traces.map(({ steps }) => steps.map((step) => [step.index, step.kl]));
    const ends = (series) => traces.map((trace, t) => `${trace.method} ends at ${series[t].length ? signed(series[t].at(-1)[1]) : "none"}`).join(", ");
    drawChart(root.querySelector(".odds-chart"), odds, `Line plot of log-odds along the text: ${ends(odds)}`);
    drawChart(root.querySelector(".kl-chart"), kl, `Line plot of KL divergence per token: ${ends(kl)}`);
  }

  function figure(name, caption) {
    return el("figure", {}, el("figcaption", {}, caption), el("div", { class: name }));
  }

  // The selected token

  function shareCell(kind, p) {
    const bar = el("span", { class: "bar" });
    bar.style.setProperty("--share", p);
    return el("td", { class: kind }, el("div", { class: "share" }, el("span", { class: "track", "aria-hidden": "true" }, bar), el("span", { class: "number" }, percent(p))));
  }

  function candidateRow(step, candidate, place) {
    const row = el("tr", { "data-token-id": candidate.id });
    if (place === step.chosen) row.setAttribute("aria-current", "true");
    row.append(el("th", { scope: "row", title: `token id ${candidate.id}` }, place === step.chosen ? "▸ " : "", ...visible(candidate.text)));
    // Without steering no probability among candidates exists; the lone candidate's 1 would only mislead.
    const shares = [["before", candidate.p_before], ["after", candidate.p_after]];
    row.append(...shares.map(([kind, p]) => (step.steered ? shareCell(kind, p) : el("td", {}, "–"))));
    attributesOf(state.trace).forEach(({ slope, intercept }, a) => {
      const margin = candidate.margins[a];
      const cell = el("td", {}, signed(margin));
      row.append(a === state.attribute ? tint(cell, slope * margin + intercept) : cell);
    });
    row.append(el("td", {}, step.steered ? signed(candidate.shift) : "–"));
    return row;
  }

  function candidateTable(step) {
    const attributes = attributesOf(state.trace);
    const margins = attributes.map(({ name }) => (attributes.length > 1 ? `margin: ${name}` : "margin"));
    const head = ["candidate", "p before", "p after", ...margins, "shift (nats)"].map((name) => el("th", { scope: "col" }, name));
    const rows = step.candidates.map((candidate, place) => candidateRow(step, candidate, place));
    const caption = el("caption", {}, rows.length > 1 ? `${rows.length} candidates; ▸ was taken` : "the token taken");
    return el("table", {}, caption, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
  }

  function note(step) {
    if (!step.steered) return "No strength was in force here: the token was drawn from the model’s own distribution, and no other was tried.";
    if (step.candidates.length === 1) return "The nucleus held this token alone, so that there was nothing to shift.";
    return "";
  }

  function drawDetails() {
    const trace = traces[state.trace], step = trace.steps[state.step], panel = root.querySelector(".details");
    if (!step) return panel.replaceChildren(el("p", {}, `${trace.method} generated no token.`));
    const a = state.attribute, facts = el("dl");
    const add = (name, value) => facts.append(el("dt", {}, name), el("dd", {}, value));
    add("log-odds of the text", `${signed(step.log_odds_before[a])} → ${signed(step.log_odds_after[a])}`);
    add("margin of the text", `${signed(step.margins_before[a])} → ${signed(step.margins_after[a])}`);
    if (step.candidates.length > 1) {
      add("KL(after ‖ before)", `${step.kl.toFixed(3)} nats`);
      add("spread of margins", `${step.margin_spread[a].toFixed(3)} (standard deviation under p before)`);
    }
    const heading = el("h3", {}, `${trace.method}, step ${step.index}: `, ...visible(tokenOf(step).text));
    const parts = [heading, facts, candidateTable(step)];
    if (note(step)) parts.splice(1, 0, el("p", { class: "hint" }, note(step)));
    panel.replaceChildren(...parts);
  }

  // Selection

  const clamp = (value, size) => Math.max(0, Math.min(size - 1, value));

  function select(t, index, focus = false) {
    state.trace = clamp(t, traces.length);
    state.step = clamp(index, traces[state.trace].steps.length);
    for (const node of root.querySelectorAll('.token[aria-selected="true"]')) {
      node.setAttribute("aria-selected", "false");
      node.tabIndex = -1;
    }
    const node = root.querySelectorAll(".tokens")[state.trace].querySelectorAll(".token")[state.step];
    if (node) {
      node.setAttribute("aria-selected", "true");
      node.tabIndex = 0;
    }
    if (node && focus) {
      node.focus();
      if (isFirst) history.replaceState(null, "", `#trace=${state.trace}&token=${state.step}`);
    }
    drawDetails();
    drawCharts();
    Object.assign(root.dataset, { trace: state.trace, step: state.step, tokens: root.querySelectorAll(".token").length });
  }

  function onKey(event) {
    const size = traces[state.trace].steps.length;
    const moves = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], Home: [0, -size], End: [0, size] };
    if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const [down, along] = moves[event.key];
    select(state.trace + down, state.step + along, true);
  }

  // The address of the page belongs to its first view: #token=3, or #trace=1&token=3.
  const isFirst = document.querySelector(".trace-view") === root;
  function fromAddress() {
    const address = new URLSearchParams(isFirst ? location.hash.slice(1) : "");
    const number = (name, otherwise) => (/^\d+$/.test(address.get(name) ?? "") ? Number(address.get(name)) : otherwise);
    select(number("trace", state.trace), number("token", state.step));
  }

  // The whole view

  function factsOf(trace) {
    const attributes = trace.attributes.map(({ name, layer, normed, auc }) => {
      const quality = auc === null ? "" : `, held-out AUC ${auc.toFixed(3)}`;
      return `${name} (layer ${layer}${normed ? " after the norm" : ""}${quality})`;
    });
    const { rule, top_p, max_candidates } = trace.config;
    return `Model ${trace.model}; subspace ${attributes.join(", ")}; rule ${rule}; at most ${max_candidates} candidates in a nucleus of ${top_p}.`;
  }

  function attributeMenu() {
    const menu = el("select", {}, ...attributesOf(0).map(({ name }, a) => el("option", { value: a }, name)));
    menu.addEventListener("change", () => {
      state.attribute = Number(menu.value);
      drawLanes();
      select(state.trace, state.step);
    });
    return el("label", { class: "facts" }, "Attribute ", menu);
  }

  function drawLanes() {
    root.querySelector(".lanes").replaceChildren(...traces.map(lane), scale());
  }

  const parts = [el("p", { class: "facts" }, factsOf(traces[0]))];
  if (attributesOf(0).length > 1) parts.push(attributeMenu());
  parts.push(el("div", { class: "lanes" }));
  parts.push(el("p", { class: "hint" }, "Click a token, or use the arrow keys: left and right along a text, up and down between texts."));
  const odds = figure("odds-chart", "Log-odds of the text (nats; above 0 is the desired side) along the steps");
  const kl = figure("kl-chart", "KL divergence of the steered distribution from the model’s, per token (nats)");
  parts.push(el("div", { class: "charts" }, odds, kl));
  root.append(el("div", {}, ...parts), el("div", { class: "details", "aria-live": "polite", role: "region", "aria-label": "Selected token" }));
  drawLanes();
  fromAddress();
  window.addEventListener("hashchange", fromAddress);
  new ResizeObserver(drawCharts).observe(root.querySelector(".charts"));
})();
