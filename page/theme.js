// @ts-check

const STORAGE_KEY = 'tidemark-theme';
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

/** @returns {boolean} whether the page is dark now, by the reader's choice or else the system's */
function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? systemIsDark.matches : chosen === 'dark';
}

/**
 * Makes a button switch between light and dark; the choice is kept for the next visit.
 *
 * @param {HTMLButtonElement} button
 * @param {() => void} onChange called after the colours have changed
 * @returns {() => void} what the button does
 */
export function themeSwitch(button, onChange) {
  const show = () => {
    const next = isDark() ? 'Light' : 'Dark';
    button.textContent = next;
    button.setAttribute('aria-label', `Switch to the ${next.toLowerCase()} theme`);
  };
  const toggle = () => {
    const theme = isDark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(STORAGE_KEY, theme);
    } catch {
      // Storage is switched off: the choice holds for this visit.
    }
    show();
    onChange();
  };
  button.addEventListener('click', toggle);
  systemIsDark.addEventListener('change', () => {
    show();
    onChange();
  });
  show();
  return toggle;
}

/**
 * @param {string} name of a custom property of the style sheet, without dashes
 * @returns {string} the colour in force, as `rgb(…)`: what a canvas can take
 */
export function colour(name) {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
