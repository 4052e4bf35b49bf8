extension ReportPage {
  /// The page as a Mustache template.
  static let template = #"""
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="tutti-source" content="{{source}}">
    <title>{{title}}</title>
    <style>
    :root { --ink: #1d1f24; --soft: #5b6270; --paper: #fff; --panel: #f4f5f7; --line: #d9dce2; --link: #0b5fa5; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e8eaee; --soft: #a4abb8; --paper: #16181d; --panel: #21242b; --line: #3a3f4a; --link: #7cc0ff; }
    }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 1.5rem; max-width: 68rem; color: var(--ink); background: var(--paper);
      font: 1rem/1.5 system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif; }
    h1 { margin: 0 0 .5rem; font-size: 1.7rem; } h2 { margin: 2.2rem 0 .6rem; font-size: 1.25rem;
      border-bottom: 1px solid var(--line); padding-bottom: .2rem; } h3 { margin: 1rem 0 .2rem; font-size: 1.02rem; }
    p { margin: .4rem 0; } a { color: var(--link); } .note { color: var(--soft); }
    nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; list-style: none; padding: 0; }
    .scroll { overflow-x: auto; } table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
    caption { text-align: left; color: var(--soft); padding-bottom: .2rem; white-space: nowrap; }
    th, td { padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
    th:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 600; }
    figure { margin: 0; } figcaption { font-size: .85rem; color: var(--soft); }
    .chart svg { width: 100%; height: auto; border-radius: .4rem; }
    .drawings { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 1rem; margin: .6rem 0; }
    .thumb { transform-box: fill-box; transform-origin: center; } .thumb:hover, .thumb:focus { transform: scale(3); outline: none; }
    .layers { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .8rem; margin: .5rem 0; }
    .layers button { display: block; width: 100%; padding: 0; border: 2px solid transparent; background: none; cursor: zoom-in; }
    .layers button:focus-visible, input:focus-visible, select:focus-visible, summary:focus-visible, a:focus-visible {
      outline: 3px solid var(--link); outline-offset: 2px; }
    .layers img { display: block; width: 100%; image-rendering: pixelated; background: #808080; }
    .layers .large { grid-column: 1 / -1; max-width: 40rem; } .layers .large button { cursor: zoom-out; border-color: var(--link); }
    .layers.one figure:not(.large) { display: none; }
    .choice { margin: .4rem 0; } select { font: inherit; color: inherit; background: var(--panel); }
    .slider { display: flex; gap: .8rem; align-items: center; } .slider input { flex: 1; max-width: 26rem; }
    pre { overflow-x: auto; padding: .8rem; background: var(--panel); border-radius: .4rem; font-size: .82rem; line-height: 1.4; }
    summary { cursor: pointer; padding: .3rem 0; }
    @media (prefers-color-scheme: dark) { .chart svg { filter: invert(.89) hue-rotate(180deg); } }
    @media print {
      body { max-width: none; padding: 0; font-size: .85rem; } nav, .slider, .choice { display: none; } .chart svg { filter: none; }
      .frame[hidden], .chart[hidden] { display: block; } .frame, .chart, table { break-inside: avoid; }
    }
    </style>
    </head>
    <body>
    <header>
    <h1>{{title}}</h1>
    {{#lead}}<p>{{.}}</p>
    {{/lead}}
    <nav aria-label="Contents"><ul>{{#sections}}<li><a href="#{{id}}">{{title}}</a></li>{{/sections}}</ul></nav>
    </header>
    <main>
    {{#sections}}
    <section id="{{id}}" aria-labelledby="{{id}}-title">
    <h2 id="{{id}}-title">{{title}}</h2>
    {{#text}}<p>{{.}}</p>
    {{/text}}
    {{#tables}}
    <div class="scroll"><table>
    <caption>{{title}}</caption>
    <thead><tr><th></th>{{#columns}}<th scope="col">{{.}}</th>{{/columns}}</tr></thead>
    <tbody>
    {{#rows}}<tr><th scope="row">{{name}}</th>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}</tbody>
    </table></div>
    {{/tables}}
    {{#charts}}
    <figure class="chart" role="img" aria-label="{{description}}">{{{svg}}}<figcaption>{{description}}</figcaption></figure>
    {{/charts}}
    {{#alternatives}}{{#first()}}<div class="alternatives">{{/first()}}<figure class="chart" role="img"
    aria-label="{{description}}" data-name="{{name}}">{{{svg}}}<figcaption>{{description}}</figcaption></figure>{{#last()}}</div>{{/last()}}
    {{/alternatives}}
    {{#drawings}}{{#first()}}<div class="drawings">{{/first()}}<figure class="chart" role="img"
    aria-label="{{description}}">{{{svg}}}<figcaption>{{description}}</figcaption></figure>{{#last()}}</div>{{/last()}}
    {{/drawings}}
    {{#viewers}}
    <div class="viewer">
    {{#slider}}<p class="slider"><label>{{.}} <input type="range" min="0" max="{{last}}" value="0"></label><output></output></p>{{/slider}}
    {{#frames}}
    <div class="frame">
    <h3>{{title}}</h3>
    <p class="note">{{note}}</p>
    <div class="layers">
    {{#layers}}<figure><button type="button" aria-pressed="false" aria-label="{{name}}: enlarge or make small"><img
    alt="{{description}}" src="data:image/png;base64,{{data}}"></button><figcaption><b>{{name}}</b> {{legend}}</figcaption></figure>
    {{/layers}}
    </div>
    </div>
    {{/frames}}
    </div>
    {{/viewers}}
    {{#listings}}
    <details><summary>{{title}}</summary><pre tabindex="0">{{text}}</pre></details>
    {{/listings}}
    </section>
    {{/sections}}
    </main>
    <script>
    "use strict";
    // What is enlarged lies above its neighbours.
    for (const thumb of document.querySelectorAll(".thumb")) {
      thumb.addEventListener("mouseenter", () => thumb.parentElement.append(thumb));
    }
    // Of charts that show the same in several ways one is shown at a time.
    for (const group of document.querySelectorAll(".alternatives")) {
      const figures = [...group.querySelectorAll("figure")];
      if (figures.length < 2) continue;
      const choice = document.createElement("p"), label = document.createElement("label");
      const select = document.createElement("select");
      select.append(...figures.map((figure, index) => new Option(figure.dataset.name, index)));
      choice.className = "choice";
      label.append("Map ", select);
      choice.append(label);
      group.prepend(choice);
      const show = () => figures.forEach((figure, index) => { figure.hidden = index !== Number(select.value); });
      select.addEventListener("change", show);
      show();
    }
    for (const viewer of document.querySelectorAll(".viewer")) {
      const frames = [...viewer.querySelectorAll(".frame")];
      const slider = viewer.querySelector("input"), output = viewer.querySelector("output");
      const show = () => {
        frames.forEach((frame, index) => { frame.hidden = index !== Number(slider.value); });
        output.textContent = (Number(slider.value) + 1) + " of " + frames.length;
      };
      if (slider) { slider.addEventListener("input", show); show(); }
      // One layer of a frame is large at a time; with a slider it is the same one in all frames. Chosen by name, the others
      // are hidden. The arrows left and right go to the next layer, up and down through the slices.
      const of = (frame) => [...frame.querySelectorAll("figure")];
      const enlarge = (frame, index, alone) => {
        for (const each of slider ? frames : [frame]) {
          each.querySelector(".layers").classList.toggle("one", alone);
          of(each).forEach((figure, place) => {
            figure.classList.toggle("large", place === index);
            figure.querySelector("button").setAttribute("aria-pressed", String(place === index));
          });
        }
      };
      const names = of(frames[0]).map((figure) => figure.querySelector("b").textContent);
      const choice = document.createElement("p"), label = document.createElement("label");
      const select = document.createElement("select");
      select.append(new Option("all, side by side", "-1"), ...names.map((name, index) => new Option(name, index)));
      choice.className = "choice";
      label.append("Layer ", select);
      choice.append(label);
      (slider ? slider.closest(".slider") : frames[0]).before(choice);
      select.addEventListener("change", () => {
        const index = Number(select.value);
        for (const frame of slider ? [frames[0]] : frames) {
          const place = index < 0 ? -1 : of(frame).findIndex((figure) =>
            figure.querySelector("b").textContent === names[index]);
          enlarge(frame, place, place >= 0);
        }
      });
      frames.forEach((frame) => {
        const buttons = [...frame.querySelectorAll("button")];
        buttons.forEach((button, index) => {
          const isLarge = () => button.parentElement.classList.contains("large");
          const isAlone = () => button.closest(".layers").classList.contains("one");
          button.addEventListener("click", () => {
            if (isAlone()) select.value = "-1";
            enlarge(frame, isLarge() ? -1 : index, false);
          });
          button.addEventListener("keydown", (event) => {
            const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], along = { ArrowUp: -1, ArrowDown: 1 }[event.key];
            if (!step && !(along && slider)) return;
            event.preventDefault();
            if (along) {
              slider.value = Number(slider.value) + along;
              slider.dispatchEvent(new Event("input"));
              frames[Number(slider.value)].querySelectorAll("button")[index].focus();
              return;
            }
            const next = (index + step + buttons.length) % buttons.length;
            if (isAlone() && slider) select.value = String(next);
            if (isLarge()) enlarge(frame, next, isAlone());
            buttons[next].focus();
          });
        });
      });
    }
    </script>
    </body>
    </html>

    """#
}
