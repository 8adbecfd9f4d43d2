// Notes what the Tab key reaches on its way through the page; answers how often to press it.
() => {
  const wanted = [
    ...document.querySelectorAll(
      "a[href], button:enabled, input:enabled:not([type=hidden]), select:enabled, textarea:enabled, summary, [tabindex='0']",
    ),
  ].filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.tabIndex >= 0);
  const short = (each) => each.outerHTML.slice(0, 120);
  const reached = [];
  const faults = [];
  let rounds = 0;
  addEventListener("focusin", ({ target }) => {
    if (reached.includes(target)) return;
    const style = getComputedStyle(target);
    const box = target.getBoundingClientRect();
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) faults.push(`no mark of focus: ${short(target)}`);
    if (box.bottom < 1 || box.top > innerHeight || box.right < 1 || box.left > innerWidth) {
      faults.push(`focus out of sight: ${short(target)}`);
    }
    const last = reached.at(-1);
    const back = last && !(last.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_FOLLOWING);
    // A page that starts in its middle, in a field, goes on at its top after its end.
    if (back && !(target === wanted[0] && rounds++ === 0)) faults.push(`focus goes back to ${short(target)}`);
    reached.push(target);
  });
  window.walked = () => {
    for (const each of wanted) {
      const others = each.type === "radio" ? [...document.getElementsByName(each.name)] : [each];
      if (!others.some((other) => reached.includes(other))) faults.push(`Tab misses ${short(each)}`);
    }
    return faults;
  };
  const parts = { date: 4, time: 3 };
  return 2 + wanted.reduce((sum, each) => sum + 1 + (parts[each.type] ?? 0), 0);
}
