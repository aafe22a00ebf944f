import { byId } from './dom.ts';

const THEMES = {
  auto: { scheme: 'light dark', text: '◑ Colours: auto' },
  light: { scheme: 'light', text: '○ Colours: light' },
  dark: { scheme: 'dark', text: '● Colours: dark' },
} as const;
type Theme = keyof typeof THEMES;
const NAMES = Object.keys(THEMES) as Theme[];
const KEY = 'sglang-router-theme';

/** The button that changes between light, dark and what the system has; `changed` is called when the colours are others. */
export function bindTheme(changed: () => void): void {
  const button = byId('theme');
  let theme = NAMES.find((name) => name === localStorage.getItem(KEY)) ?? 'auto';
  const show = () => {
    const { scheme, text } = THEMES[theme];
    document.documentElement.style.colorScheme = scheme;
    button.textContent = text;
    changed();
  };
  button.onclick = () => {
    theme = NAMES[(NAMES.indexOf(theme) + 1) % NAMES.length] ?? 'auto';
    localStorage.setItem(KEY, theme);
    show();
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  show();
}
