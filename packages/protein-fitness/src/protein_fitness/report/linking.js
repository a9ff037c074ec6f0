// A click on a site in one picture marks it in all of them, and says what the scan says of it.
(() => {
  const view = document.currentScript.closest(".site-view");
  const sites = JSON.parse(view.querySelector('script[type="application/json"]').textContent);
  const said = view.querySelector("output");
  const picture = (name) => document.querySelector(`.plotly-graph-div[id^="${name}-"]`);
  const heat = picture("heat-map"), profile = picture("site-profile"), structure = picture("structure-view");
  const colour = "#d55e00";

  const choose = (position) => {
    // While a button is down the structure says again and again what is clicked, and each mark draws it anew.
    if (view.dataset.position === String(position)) return;
    const site = sites.places[position - 1];
    view.dataset.position = position;
    said.textContent = site.text;
    const axis = site.row ? String(site.row + 1) : "";
    Plotly.relayout(heat, { shapes: [{
      type: "rect", xref: `x${axis}`, yref: `y${axis} domain`, x0: position - 0.5, x1: position + 0.5, y0: 0, y1: 1,
      line: { color: colour, width: 2 },
    }] });
    Plotly.relayout(profile, { shapes: [{
      type: "line", xref: "x", yref: "paper", x0: position, x1: position, y0: 0, y1: 1, line: { color: colour, width: 2 },
    }] });
    if (structure) {
      const [x, y, z] = site.at || [null, null, null];
      Plotly.restyle(structure, { x: [[x]], y: [[y]], z: [[z]] }, [sites.chosen]);
    }
  };

  heat.on("plotly_click", (event) => choose(event.points[0].x));
  profile.on("plotly_click", (event) => choose(event.points[0].x));
  if (structure) structure.on("plotly_click", (event) => choose(event.points[0].customdata));
})();
