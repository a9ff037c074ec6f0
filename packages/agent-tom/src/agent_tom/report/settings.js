// Draws the chosen game and partner, and shows the texts that belong to it.
(() => {
  const view = document.currentScript.closest(".settings-view");
  const settings = JSON.parse(view.querySelector('script[type="application/json"]').textContent);
  const choice = view.querySelector("select");
  // Told apart by colour-blind readers (Okabe and Ito); the best, random play and the learner keep their colours.
  const known = { oracle: "#000000", uniform: "#999999", rmax: "#0072b2" };
  const others = ["#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442"];
  const shades = ["#08427a", "#e69f00", "#6aa5c8", "#cc79a7", "#009e73", "#d55e00"];
  const options = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["sendChartToCloud"] };
  const base = { template: "plotly_white", paper_bgcolor: "#fff", plot_bgcolor: "#fff", font: { size: 13 } };

  const colours = (agents) => {
    const free = agents.filter((agent) => !known[agent.name]);
    return (agent) => known[agent.name] || others[free.indexOf(agent) % others.length];
  };

  const drawCurves = (setting) => {
    const colour = colours(setting.agents);
    const lines = setting.agents.filter((agent) => agent.lost.length).map((agent) => ({
      x: agent.lost.map((_, index) => index + 1), y: agent.lost, name: agent.name, mode: "lines", line: { color: colour(agent), width: 2 },
    }));
    const marks = setting.agents.filter((agent) => agent.crossover).map((agent) => ({
      x: [agent.crossover], y: [agent.lost[agent.crossover - 1]], name: `${agent.name} falls behind`, mode: "markers",
      showlegend: false, marker: { color: colour(agent), size: 11, symbol: "x" },
      hovertemplate: `from round ${agent.crossover} on rmax has lost less<extra>${agent.name}</extra>`,
    }));
    Plotly.react(view.querySelector(".curves"), [...lines, ...marks], {
      ...base, height: 420, margin: { l: 60, r: 20, t: 30, b: 50 },
      xaxis: { title: { text: "round" } }, yaxis: { title: { text: "lost so far (payoff)" }, rangemode: "tozero" },
      legend: { orientation: "h", y: -0.2 },
    }, options);
  };

  const drawMoves = (setting) => {
    const layout = {
      ...base, barmode: "stack", bargap: 0, height: 90 * setting.agents.length + 90,
      margin: { l: 60, r: 20, t: 40, b: 40 }, grid: { rows: setting.agents.length, columns: 1, pattern: "independent", ygap: 0.45 }, annotations: [],
    };
    const bars = setting.agents.flatMap((agent, row) => {
      const number = row ? row + 1 : "";
      layout[`yaxis${number}`] = { range: [0, 1], tickvals: [0, 1], title: { text: "" } };
      layout[`xaxis${number}`] = { showticklabels: row === setting.agents.length - 1, title: { text: row === setting.agents.length - 1 ? "round" : "" } };
      layout.annotations.push({
        text: agent.name, xref: "paper", x: 0, yref: `y${number} domain`, y: 1, xanchor: "left", yanchor: "bottom", showarrow: false,
      });
      return agent.moves.map((shares, action) => ({
        type: "bar", x: shares.map((_, index) => index + 1), y: shares, xaxis: `x${number}`, yaxis: `y${number}`,
        name: setting.actions[action], legendgroup: action, showlegend: row === 0, marker: { color: shades[action % shades.length] },
      }));
    });
    Plotly.react(view.querySelector(".moves"), bars, layout, options);
  };

  const show = () => {
    drawCurves(settings[choice.value]);
    drawMoves(settings[choice.value]);
    for (const part of view.querySelectorAll("[data-setting]")) part.hidden = part.dataset.setting !== choice.value;
  };
  choice.addEventListener("change", show);
  show();
})();
