() => {
  const faults = [];
  const all = (what) => [...document.querySelectorAll(what)];
  const seen = (each) => each.checkVisibility({ visibilityProperty: true });
  const short = (each) => each.outerHTML.slice(0, 120);
  if (all("h1").filter(seen).length !== 1) faults.push(`${all("h1").filter(seen).length} headings of level 1`);
  if (all("main").length !== 1) faults.push(`${all("main").length} main landmarks`);
  if (!document.title.trim()) faults.push("no title");
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) {
    const wide = all("body *").filter((each) => seen(each) && each.getBoundingClientRect().right > innerWidth + 1
      && !each.parentElement.closest(".scroll"));
    faults.push(`${width} pixels wide: ${wide.slice(0, 3).map(short).join(" ")}`);
  }
  for (const each of all("img:not([alt])")) faults.push(`no alt: ${short(each)}`);
  const ids = new Set();
  for (const { id } of all("[id]")) ids.has(id) ? faults.push(`the id ${id} twice`) : ids.add(id);
  for (const name of ["for", "aria-labelledby", "aria-describedby", "aria-controls"]) {
    for (const each of all(`[${name}]`)) {
      for (const id of each.getAttribute(name).split(/\s+/)) {
        if (id && !ids.has(id)) faults.push(`${name}="${id}" leads nowhere: ${short(each)}`);
      }
    }
  }
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6").filter(seen)) {
    const next = Number(heading.tagName[1]);
    if (level && next > level + 1) faults.push(`h${next} after h${level}: ${heading.textContent.trim()}`);
    level = next;
  }
  for (const each of all("button, select, summary, input:not([type=hidden])").filter(seen)) {
    const { width, height } = (each.closest("label") ?? each).getBoundingClientRect();
    if (width > 1 && (width < 24 || height < 24)) faults.push(`${width}×${height} pixels to hit: ${short(each)}`);
  }
  for (const each of all("[tabindex]")) if (each.tabIndex > 0) faults.push(`tabindex above 0: ${short(each)}`);
  if (/\{\{|\}\}|\bNone\b|\bundefined\b|%\(/.test(document.body.innerText)) {
    faults.push(`code in the text: ${document.body.innerText.match(/.{0,40}(\{\{|\}\}|\bNone\b|undefined|%\().{0,40}/)[0]}`);
  }
  return faults;
}
