// @ts-check
// A classic script, before the first paint: a page that was set to dark must not flash white.
try {
  const chosen = localStorage.getItem('tidemark-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is switched off: the system's preference holds.
}
